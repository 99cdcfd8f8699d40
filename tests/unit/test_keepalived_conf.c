/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of keepalived.conf: the tree it makes, and what it does not know. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "keepalived/conf.h"
#include "lib/place.h"

/* The tree as one line: words by spaces, blocks in braces, directives parted
 * by semicolons; a doubtful one ends in a question mark. */
static void print_list(FILE *f, const struct keepalived_directive *d)
{
	for (; d; d = d->next) {
		if (d->condition)
			fprintf(f, "@%s:", d->condition);
		for (unsigned i = 0; i < d->n_words; i++)
			fprintf(f, "%s%s", i ? " " : "", d->words[i]);
		if (d->is_block) {
			fputc('{', f);
			print_list(f, d->first);
			fputc('}', f);
		}
		if (d->doubtful)
			fputc('?', f);
		if (d->next)
			fputc(';', f);
	}
}

static void assert_tree(const struct keepalived_conf *c, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	print_list(f, keepalived_conf_first(c));
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static struct keepalived_conf *parse(const char *text)
{
	struct keepalived_conf *c = NULL;

	assert_int_equal(keepalived_conf_parse("k.conf", text, strlen(text), &c), 0);
	return c;
}

static const struct {
	const char *text, *tree;
} trees[] = {
	{ "", "" },
	{ "! comment\n# comment\n\n \t\r\n", "" },
	{ "a b  c\r\n\td\n", "a b c;d" },
	{ "a {\n b\n}\nc", "a{b};c" },
	{ "a\n{\n b\n}\n", "a{b}" },
	{ "a x{\n b y\n c}\n", "a x{b y;c}" },
	{ "a { b { c } d } e", "a{b{c};d};e" },
	{ "a { }\nb {\n}", "a{};b{}" },
	{ "a # b\nc!d\ne \"# f\" g", "a;c;e # f g" },
	{ "a \"b c\" 'd e' f\"g h\"i", "a b c d e fg hi" },
	{ "a \"b \\\"c\\\" d\" don't", "a b \"c\" d don't" },
	{ "a \"\" b", "a  b" },
	{ "a b\\\n c \\\n\n d\ne", "a b c d;e" },
	{ "$A=x y\na $A\nb${A}c\n$A=\na $A", "a x y;bx yc;a" },
	{ "$A=1${B}3\n$B=2\na $A\n$B=9\na $A", "a 123;a 193" },
	{ "$A=1\na $A.b x$ ${A", "a $A.b x$ ${A" },
	{ "${_HASH} ${_BANG}a ${_PWD}/b", "# !a ./b" },
	{ "$B= \\\n v X${N} { \\\n  n ${N} \\\n }\n$N=0\n$B\n$N=1\n$B", "v X0{n 0};v X1{n 1}" },
	/* what is defined in a value holds for its later lines */
	{ "$R= \\\n r ${N}\n$V= \\\n v { \\\n $N=1 \\\n $R \\\n $N=2 \\\n $R \\\n }\n$V",
	  "v{r 1;r 2}" },
};

static void makes_a_tree(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		struct keepalived_conf *c = parse(trees[i].text);

		assert_tree(c, trees[i].tree);
		assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_UNRESOLVED), 0);
		keepalived_conf_free(c);
	}
}

static const struct {
	const char *text, *tree;
	enum keepalived_unresolved unresolved;
	unsigned n, line; /* of the first */
} unresolved[] = {
	{ "a {\n @m b c\n @^m d\n}\ne", "a{@m:b c?;@^m:d?}?;e", KEEPALIVED_CONDITION, 2, 2 },
	{ "@m $P=1\n$Q=2\na $P\nb $Q", "a 1?;b 2", KEEPALIVED_CONDITION, 1, 1 },
	{ "$I=@m\n$I a\nb", "@m:a?;b", KEEPALIVED_CONDITION, 1, 2 },
	{ "a {\n~SEQ(N,1,3) b ${N}\n}\nc", "a{}?;c", KEEPALIVED_SEQUENCE, 1, 2 },
	{ "a {\n~LST(N,1) b\n}", "a{}?", KEEPALIVED_SEQUENCE, 1, 2 },
	{ "a $X b\nc", "a $X b?;c", KEEPALIVED_VARIABLE, 1, 1 },
	{ "a {\nb ${_RANDOM}\n}", "a{b ${_RANDOM}?}?", KEEPALIVED_VARIABLE, 1, 2 },
	{ "a\nb }\nc", "a;b;c", KEEPALIVED_SYNTAX, 1, 2 },
	{ "a {\nb {\nc", "a{b{c}?}?", KEEPALIVED_SYNTAX, 2, 2 },
	{ "{ a }", "{a?}?", KEEPALIVED_SYNTAX, 1, 1 },
	{ "a { b } { c }", "a{b};{c?}?", KEEPALIVED_SYNTAX, 1, 1 },
	{ "a \"b c\nd", "a b c?;d", KEEPALIVED_SYNTAX, 1, 1 },
	{ "a\ninclude b.conf\nc", "a;c", KEEPALIVED_INCLUDE, 1, 2 },
	{ "$A=${B}\n$B=${A}\na $A\nb", "b", KEEPALIVED_LIMIT, 1, 3 },
};

static void notes_what_it_does_not_know(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(unresolved); i++) {
		struct keepalived_conf *c = parse(unresolved[i].text);
		const struct keepalived_note *notes;
		size_t n;

		assert_tree(c, unresolved[i].tree);
		assert_int_equal(keepalived_conf_unresolved(c, unresolved[i].unresolved),
				 unresolved[i].n);
		assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_UNRESOLVED),
				 unresolved[i].n);
		notes = keepalived_conf_notes(c, &n);
		assert_int_equal(n, unresolved[i].n);
		assert_int_equal(notes[0].unresolved, unresolved[i].unresolved);
		assert_int_equal(notes[0].line, unresolved[i].line);
		assert_string_equal(notes[0].file, "k.conf");
		assert_true(notes[0].text[0]);
		keepalived_conf_free(c);
	}
}

static void tells_lines_and_words(void **state _unused_)
{
	struct keepalived_conf *c = parse("a\n\nb {\n c 1\n d\n c \\\n 2\n}\n");
	const struct keepalived_directive *b = keepalived_find(keepalived_conf_first(c), "b"), *d;

	assert_int_equal(b->line, 3);
	d = keepalived_find(b->first, "c");
	assert_int_equal(d->line, 4);
	d = keepalived_find(d->next, "c");
	assert_int_equal(d->line, 6);
	assert_string_equal(d->file, "k.conf");
	assert_string_equal(keepalived_word(d, 1), "2");
	assert_null(keepalived_word(d, 2));
	assert_null(keepalived_find(d->next, "c"));
	keepalived_conf_free(c);
}

static void leaves_out_a_line_with_a_nul(void **state _unused_)
{
	struct keepalived_conf *c = NULL;

	assert_int_equal(keepalived_conf_parse("k", "a\nb\0c\nd", 7, &c), 0);
	assert_tree(c, "a;d");
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_SYNTAX), 1);
	keepalived_conf_free(c);
}

/* Each would need more time or memory than there is. */
static void survives_bombs(void **state _unused_)
{
	struct keepalived_conf *c;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs("$A0=xxxxxxxx\n$E0=\n", f);
	for (int i = 1; i < 14; i++) {
		fprintf(f, "$A%d=", i);
		for (int k = 0; k < 16; k++)
			fprintf(f, "${A%d}", i - 1);
		fprintf(f, "\n$E%d=", i);
		for (int k = 0; k < 16; k++)
			fprintf(f, "${E%d}", i - 1);
		/* lines that double */
		fprintf(f, "\n$L%d= \\\n $L%d \\\n $L%d\n", i, i - 1, i - 1);
	}
	fputs("a $A13\nb $E13\n$R= \\\n r \\\n $R \\\n $R\n$R\nlast\n", f);
	for (int i = 0; i < 100; i++)
		fputs("deep {\n", f);
	fputs("inmost\n", f);
	for (int i = 0; i < 100; i++)
		fputs("}\n", f);
	for (int i = 0; i < 300; i++)
		fprintf(f, "w%d ", i);
	fputs("\nend\n", f);
	fclose(f);
	c = parse(text);
	free(text);
	assert_true(keepalived_conf_unresolved(c, KEEPALIVED_LIMIT) >= 5);
	assert_non_null(keepalived_find(keepalived_conf_first(c), "last"));
	assert_non_null(keepalived_find(keepalived_conf_first(c), "end"));
	assert_int_equal(keepalived_find(keepalived_conf_first(c), "w0")->n_words,
			 KEEPALIVED_WORDS_MAX);
	assert_true(keepalived_find(keepalived_conf_first(c), "w0")->doubtful);
	keepalived_conf_free(c);
}

static void leaves_out_what_is_too_much(void **state _unused_)
{
	/* directives of two bytes that take more than is allowed, whatever size a pointer has */
	size_t size = 2 * (KEEPALIVED_MEMORY_MAX / sizeof(struct keepalived_directive) + 1);
	char *text = malloc(size);
	struct keepalived_conf *c = NULL;

	assert_non_null(text);
	for (size_t i = 0; i < size; i += 2)
		memcpy(text + i, "a\n", 2);
	assert_int_equal(keepalived_conf_parse("k", text, size, &c), 0);
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_LIMIT), 1);
	assert_non_null(keepalived_conf_first(c));
	keepalived_conf_free(c);
	/* and one line of it all */
	memset(text, 'x', size);
	assert_int_equal(keepalived_conf_parse("k", text, size, &c), 0);
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_LIMIT), 1);
	assert_null(keepalived_conf_first(c));
	keepalived_conf_free(c);
	free(text);
}

/* ---- files ---- */

static struct keepalived_conf *read_conf(const struct place *p, const char *name)
{
	struct keepalived_conf *c = NULL;
	char path[192];

	assert_int_equal(keepalived_conf_read(path_of(p, name, path), &c), 0);
	return c;
}

static void follows_includes(void **state)
{
	struct place *p = *state;
	struct keepalived_conf *c;
	const struct keepalived_directive *d;
	char path[192], text[192];

	put_file(p, "d[1]/10.conf", 0644, "b\n}\n");
	put_file(p, "d[1]/20.conf", 0644, "$V=2\ninclude back.conf\n");
	put_file(p, "d[1]/back.conf", 0644, "d\n");
	/* the glob() of musl knows no braces: an include with them is noted, not followed */
	snprintf(text, sizeof(text),
		 "a {\nincludea d\\[1]/%s.conf\nc $V\ninclude none/*.conf\n"
		 "include d?1?/none*.conf\n",
		 HAVE_DECL_GLOB_BRACE ? "{10,20}" : "[12]0");
	put_file(p, "k.conf", 0644, text);
	c = read_conf(p, "k.conf");
	assert_tree(c, "a{b};d;c 2");
	/* the directory that is not there, of which musl does not tell; not the pattern that
	 * matches nothing */
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_INCLUDE), HAVE_DECL_GLOB_BRACE);
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_UNRESOLVED),
			 HAVE_DECL_GLOB_BRACE);
	d = keepalived_find(keepalived_conf_first(c), "d");
	assert_string_equal(d->file, path_of(p, "d[1]/back.conf", path));
	assert_int_equal(d->line, 1);
	d = keepalived_find(d, "c");
	assert_string_equal(d->file, path_of(p, "k.conf", path));
	assert_int_equal(d->line, 3);
	assert_string_equal(keepalived_conf_file(c, 0), path_of(p, "k.conf", path));
	assert_non_null(keepalived_conf_file(c, 3));
	assert_null(keepalived_conf_file(c, 4));
	keepalived_conf_free(c);
}

static void survives_bad_includes(void **state)
{
	struct place *p = *state;
	struct keepalived_conf *c;
	char path[192];

	assert_int_equal(mkfifo(path_of(p, "fifo", path), 0600), 0);
	put_file(p, "self.conf", 0644, "b\ninclude k.conf\n");
	put_file(p, "k.conf", 0644,
		 "a\n"
		 "include self.conf\n"
		 "include k.conf\n"
		 "include fifo\n"
		 "include /dev/null\n"
		 "include none.conf\n"
		 "include /*/*/*/*/*\n"
		 "include {a,b}{a,b}{a,b}{a,b}\n"
		 "c\n");
	c = read_conf(p, "k.conf");
	assert_tree(c, "a;b;c");
	/* self.conf includes k.conf, k.conf itself, and two that are no files */
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_INCLUDE), 5);
	assert_int_equal(keepalived_conf_unresolved(c, KEEPALIVED_LIMIT), 2);
	keepalived_conf_free(c);
}

/* An include makes what it stands in doubtful, when it fails. */
static void doubts_the_block_of_a_bad_include(void **state)
{
	struct place *p = *state;
	struct keepalived_conf *c;

	put_file(p, "k.conf", 0644, "a {\nb\ninclude none\n}\nc\n");
	c = read_conf(p, "k.conf");
	assert_tree(c, "a{b}?;c");
	keepalived_conf_free(c);
}

static void says_that_there_is_no_file(void **state)
{
	struct place *p = *state;
	struct keepalived_conf *c = NULL;
	char path[192];

	assert_int_equal(keepalived_conf_read(path_of(p, "none", path), &c), -ENOENT);
	assert_int_equal(keepalived_conf_read(p->dir, &c), -EINVAL);
	assert_int_equal(mkfifo(path_of(p, "fifo", path), 0600), 0);
	assert_int_equal(keepalived_conf_read(path, &c), -EINVAL);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_a_tree),
		cmocka_unit_test(notes_what_it_does_not_know),
		cmocka_unit_test(tells_lines_and_words),
		cmocka_unit_test(leaves_out_a_line_with_a_nul),
		cmocka_unit_test(survives_bombs),
		cmocka_unit_test(leaves_out_what_is_too_much),
		cmocka_unit_test_setup_teardown(follows_includes, place_make, place_remove),
		cmocka_unit_test_setup_teardown(survives_bad_includes, place_make, place_remove),
		cmocka_unit_test_setup_teardown(doubts_the_block_of_a_bad_include, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(says_that_there_is_no_file, place_make,
						place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
