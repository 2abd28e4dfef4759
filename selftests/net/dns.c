// SPDX-License-Identifier: GPL-2.0-only
/*
 * A name server for the suite net, on 127.0.0.1 port 53: every name has the address 192.0.2.77
 * (RFC 1035, sections 4.1.1 to 4.1.3). It ends with the machine that it runs on.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER	12
#define QUESTION_END 5	/* bytes behind the name: its end, type and class */

int main(void)
{
	static const unsigned char answer[] = {
		0xc0, HEADER,		/* the name is the question's */
		0, 1, 0, 1,		/* an address of the Internet */
		0, 0, 0, 60,		/* seconds */
		0, 4, 192, 0, 2, 77,
	};
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct sockaddr_in from;
	unsigned char data[512 + sizeof(answer)];
	socklen_t size;
	size_t name;
	ssize_t len;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	for (;;) {
		size = sizeof(from);
		len = recvfrom(fd, data, 512, 0, (struct sockaddr *)&from, &size);
		if (len < HEADER + QUESTION_END)
			continue;
		name = strnlen((char *)data + HEADER, len - HEADER);
		if (HEADER + name + QUESTION_END > (size_t)len)
			continue;
		len = HEADER + name + QUESTION_END;
		data[2] = 0x81;		/* a response, recursion desired */
		data[3] = 0x80;		/* and available; no error */
		memset(data + 4, 0, 8);
		data[5] = 1;		/* one question, */
		data[7] = 1;		/* one answer */
		memcpy(data + len, answer, sizeof(answer));
		sendto(fd, data, len + sizeof(answer), 0, (struct sockaddr *)&from, size);
	}
}
