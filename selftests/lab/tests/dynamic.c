// SPDX-License-Identifier: GPL-2.0-only
/*
 * dynamic.c - a dynamically linked program, for the lab's tests.
 *
 * Ends with status 21 if the C and the maths library of its payload work.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	double x = argc > 1 ? atof(argv[1]) : 0;

	printf("the cosine of %g is %g\n", x, cos(x));
	return cos(x) == 1 ? 21 : 1;
}
