// SPDX-License-Identifier: GPL-2.0-only
/*
 * A time line as one page for a browser, with everything that it needs in it: page.html, which the
 * assembler includes, with the recording in the place of a mark. The recording is JSON inside a
 * script element: json_put_text() escapes what could end the element.
 *
 * Relies on open_memstream(3): tracks, slices and flows come mixed, and go to three lists.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/html.h"
#include "trace/json.h"

#define MARK	"/*DATA*/"

__asm__(".section .rodata\n"
	"page_html: .incbin \"" PAGE_HTML "\"\n"
	".byte 0\n"
	".previous\n");
extern const char page_html[];

static FILE *row(struct html_list *l)
{
	fputs(l->rows++ ? ",\n[" : "\n[", l->stream);
	return l->stream;
}

static void track(void *to, int thread, unsigned int vcpu)
{
	struct html *h = to;

	fprintf(row(&h->tracks), "%d,%u]", thread, vcpu);
}

static void process(void *to, int track, unsigned int process, unsigned int lane,
		    const char *name)
{
	struct html *h = to;
	FILE *f = row(&h->tracks);

	(void)lane;
	fprintf(f, "%d,%u,", track, process);
	json_put_text(f, name);
	putc(']', f);
}

static void slice(void *to, int thread, enum slice_kind kind, const char *name, __u64 from,
		  __u64 ns)
{
	struct html *h = to;
	FILE *f;

	if (h->slices.rows == HTML_SLICES_MAX) {
		h->cut = true;
		return;
	}
	f = row(&h->slices);
	fprintf(f, "%d,%d,", thread, kind);
	json_put_text(f, name);
	fprintf(f, ",%llu,%llu]", from, ns);
}

static void flow(void *to, const char *name, int from_thread, __u64 from, int thread, __u64 at)
{
	struct html *h = to;
	FILE *f;

	if (h->flows.rows == HTML_SLICES_MAX)
		return;
	f = row(&h->flows);
	json_put_text(f, name);
	fprintf(f, ",%d,%llu,%d,%llu]", from_thread, from, thread, at);
}

const struct timeline_ops html_ops = {
	.track = track,
	.process = process,
	.slice = slice,
	.flow = flow,
};

/* Return: whether there was memory for it. */
bool html_begin(struct html *h)
{
	struct html_list *l[] = { &h->tracks, &h->slices, &h->flows };
	unsigned int i;

	memset(h, 0, sizeof(*h));
	for (i = 0; i < 3; i++) {
		l[i]->stream = open_memstream(&l[i]->text, &l[i]->size);
		if (!l[i]->stream)
			return false;
	}
	return true;
}

static bool put_list(FILE *to, const char *name, struct html_list *l)
{
	bool good = l->stream && !ferror(l->stream);

	if (l->stream && fclose(l->stream))
		good = false;
	if (good)
		fprintf(to, "\"%s\":[%s],\n", name, l->text);
	free(l->text);
	return good;
}

/**
 * html_end() - write the page
 * @h: what was gathered; is released
 * @to: the stream
 * @lost: events that were lost
 * @words: name of an exit reason, and the sentence about it; NULL for a reason that is none
 * @reasons: how many reasons there are
 *
 * Return: whether there was memory for it; the stream has its own errors.
 */
bool html_end(struct html *h, FILE *to, unsigned long long lost,
	      const char *(*words)(unsigned int reason, const char **name), unsigned int reasons)
{
	const char *mark = strstr(page_html, MARK), *name, *sentence;
	bool good = true, first = true;
	unsigned int i;

	fwrite(page_html, 1, mark - page_html, to);
	fputs("{", to);
	good &= put_list(to, "tracks", &h->tracks);
	good &= put_list(to, "slices", &h->slices);
	good &= put_list(to, "flows", &h->flows);
	fputs("\"words\":{", to);
	for (i = 0; i < reasons; i++) {
		sentence = words(i, &name);
		if (!sentence)
			continue;
		fputs(first ? "\n" : ",\n", to);
		first = false;
		json_put_text(to, name);
		putc(':', to);
		json_put_text(to, sentence);
	}
	fprintf(to, "},\n\"cut\":%s,\"lost\":%llu}", h->cut ? "true" : "false", lost);
	fputs(mark + strlen(MARK), to);
	return good;
}
