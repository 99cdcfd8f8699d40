/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <vipsafe/base.h>

#define WIDTH 920
#define HEIGHT 480

/* Inside of a panel. */
#define PANEL_W 340
#define PANEL_H 300
#define PANEL_TOP 96

#define POINTS_MAX 16

/* A curve: the rows WHAT, UNIT of the results; THEIRS of them or ours. */
struct curve {
	const char *what, *unit;
	bool theirs;
	double us; /* microseconds that one of its unit is */
	const char *colour, *label;
};

struct panel {
	const char *title;
	double left;
	double low, high; /* microseconds */
	struct curve curves[3];
};

/* Readable on white and on near black. */
#define PIN "#2f81d0"
#define RESTORE "#e69f00"
#define PEERS "#d0603c"

static const struct panel panels[] = {
	{ "An entry is away for (median)",
	  80,
	  1,
	  1e7,
	  { { "pin gap", "us, median", false, 1, PIN, "vipsafe, pin" },
	    { "away", "ms, restored", false, 1e3, RESTORE, "vipsafe, restore" },
	    { "away", "ms, restored", true, 1e3, PEERS, "save, ip addr del, load" } } },
	{ "The whole delete takes (wall time)",
	  540,
	  1e4,
	  1e7,
	  { { "del pin", "ms", false, 1e3, PIN, "vipsafe, pin" },
	    { "del rest.", "ms", false, 1e3, RESTORE, "vipsafe, restore" },
	    { "del pin", "ms", true, 1e3, PEERS, "save, ip addr del, load" } } },
};

struct range {
	double low, high;
};

struct picture {
	FILE *f;
	const json_t *results;
	struct range entries;
	double sizes[POINTS_MAX]; /* that were measured, ascending */
	size_t n_sizes;
};

static double x_of(const struct picture *pic, const struct panel *p, double entries)
{
	return p->left + PANEL_W * log10(entries / pic->entries.low) /
				 log10(pic->entries.high / pic->entries.low);
}

static double y_of(const struct panel *p, double us)
{
	return PANEL_TOP + PANEL_H * (1 - log10(us / p->low) / log10(p->high / p->low));
}

static void time_text(double us, char *buf, size_t size)
{
	if (us < 1e3)
		snprintf(buf, size, us < 10 ? "%.1f µs" : "%.0f µs", us);
	else if (us < 1e6)
		snprintf(buf, size, us < 1e4 ? "%.1f ms" : "%.0f ms", us / 1e3);
	else
		snprintf(buf, size, "%.1f s", us / 1e6);
}

static void text(FILE *f, double x, double y, const char *how, const char *words)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, how);
	for (; *words; words++)
		if (*words == '<' || *words == '&')
			fprintf(f, "&#%d;", *words);
		else
			fputc(*words, f);
	fprintf(f, "</text>\n");
}

static void grid_times(struct picture *pic, const struct panel *p)
{
	double us;

	for (us = p->low; us <= p->high * 1.01; us *= 10) {
		double y = y_of(p, us);
		char label[32];

		fprintf(pic->f,
			"<line class=\"grid\" x1=\"%g\" y1=\"%.1f\" x2=\"%g\" y2=\"%.1f\"/>\n",
			p->left, y, p->left + PANEL_W, y);
		if (us < 1e3)
			snprintf(label, sizeof(label), "%g µs", us);
		else if (us < 1e6)
			snprintf(label, sizeof(label), "%g ms", us / 1e3);
		else
			snprintf(label, sizeof(label), "%g s", us / 1e6);
		text(pic->f, p->left - 8, y + 4, "class=\"axis\" text-anchor=\"end\"", label);
	}
}

static void size_text(double n, char *buf, size_t size)
{
	long v = (long)(n + 0.5);

	if (v >= 1000000)
		snprintf(buf, size, "%ld %03ld %03ld", v / 1000000, v / 1000 % 1000, v % 1000);
	else if (v >= 1000)
		snprintf(buf, size, "%ld %03ld", v / 1000, v % 1000);
	else
		snprintf(buf, size, "%ld", v);
}

/* The sizes that were measured; where they are close some go without words. */
static void grid_sizes(struct picture *pic, const struct panel *p)
{
	double words_end = 0;
	size_t i;

	for (i = 0; i < pic->n_sizes; i++) {
		double x = x_of(pic, p, pic->sizes[i]);
		char label[32];

		fprintf(pic->f,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x,
			PANEL_TOP, x, PANEL_TOP + PANEL_H);
		if (x - 30 < words_end)
			continue;
		words_end = x + 30;
		size_text(pic->sizes[i], label, sizeof(label));
		text(pic->f, x, PANEL_TOP + PANEL_H + 20, "class=\"axis\" text-anchor=\"middle\"",
		     label);
	}
	text(pic->f, p->left + PANEL_W / 2, PANEL_TOP + PANEL_H + 44,
	     "class=\"axis\" text-anchor=\"middle\"", "entries in the connection tracking table");
}

static size_t points_of(const struct picture *pic, const struct curve *c, double *entries,
			double *us)
{
	size_t i, n = 0;

	for (i = 0; i < json_array_size(pic->results) && n < POINTS_MAX; i++) {
		const json_t *row = json_array_get(pic->results, i);
		const char *what = json_string_value(json_object_get(row, "what"));
		const char *unit = json_string_value(json_object_get(row, "unit"));
		const json_t *v = json_object_get(row, c->theirs ? "other" : "vipsafe");

		if (!what || !unit || strcmp(what, c->what) != 0 || strcmp(unit, c->unit) != 0 ||
		    !json_is_number(v) || !(json_number_value(v) > 0))
			continue;
		entries[n] = json_number_value(json_object_get(row, "entries"));
		us[n++] = json_number_value(v) * c->us;
	}
	return n;
}

static void draw_curve(struct picture *pic, const struct panel *p, const struct curve *c)
{
	double entries[POINTS_MAX], us[POINTS_MAX];
	size_t i, n = points_of(pic, c, entries, us);

	fprintf(pic->f, "<polyline class=\"curve\" stroke=\"%s\" points=\"", c->colour);
	for (i = 0; i < n; i++)
		fprintf(pic->f, "%.1f,%.1f ", x_of(pic, p, entries[i]), y_of(p, us[i]));
	fprintf(pic->f, "\"/>\n");
	for (i = 0; i < n; i++)
		fprintf(pic->f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n",
			x_of(pic, p, entries[i]), y_of(p, us[i]), c->colour);
}

/* The value of C at ENTRIES, or 0. */
static double value_at(const struct picture *pic, const struct curve *c, double size)
{
	double entries[POINTS_MAX], us[POINTS_MAX];
	size_t i, n = points_of(pic, c, entries, us);

	for (i = 0; i < n; i++)
		if (entries[i] == size)
			return us[i];
	return 0;
}

/* The highest point's value goes above it, the lowest one's below, what is
 * between to its right, all of them on a white edge. */
static void draw_values(struct picture *pic, const struct panel *p, double size)
{
	size_t i, j, n = ARRAY_SIZE(p->curves);

	for (i = 0; i < n; i++) {
		double us = value_at(pic, &p->curves[i], size), x = x_of(pic, p, size), y;
		size_t higher = 0, lower = 0;
		char label[32], how[96];

		if (!(us > 0))
			continue;
		for (j = 0; j < n; j++) {
			double other = value_at(pic, &p->curves[j], size);

			higher += other > us;
			lower += other > 0 && other < us;
		}
		y = y_of(p, us) + (!higher ? -11 : !lower ? 20 : 4);
		time_text(us, label, sizeof(label));
		snprintf(how, sizeof(how), "class=\"value\" fill=\"%s\" text-anchor=\"%s\"",
			 p->curves[i].colour, higher && lower ? "start" : "middle");
		text(pic->f, x + (higher && lower ? 9 : 0), y, how, label);
	}
}

static void draw_panel(struct picture *pic, const struct panel *p)
{
	size_t i;

	text(pic->f, p->left, PANEL_TOP - 14, "class=\"title\"", p->title);
	grid_times(pic, p);
	grid_sizes(pic, p);
	for (i = 0; i < ARRAY_SIZE(p->curves); i++)
		draw_curve(pic, p, &p->curves[i]);
	for (i = 0; i < pic->n_sizes; i++)
		draw_values(pic, p, pic->sizes[i]);
}

static void draw_legend(struct picture *pic)
{
	double x = panels[0].left;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(panels[1].curves); i++) {
		const struct curve *c = &panels[1].curves[i];

		fprintf(pic->f,
			"<line class=\"curve\" x1=\"%g\" y1=\"52\" x2=\"%g\" y2=\"52\" "
			"stroke=\"%s\"/>\n"
			"<circle cx=\"%g\" cy=\"52\" r=\"4\" fill=\"%s\"/>\n",
			x, x + 28, c->colour, x + 14, c->colour);
		text(pic->f, x + 36, 56, "class=\"axis\"", c->label);
		x += 60 + 7.2 * (double)strlen(c->label);
	}
}

static void draw(struct picture *pic, const json_t *root)
{
	const char *cpu = json_string_value(json_object_get(root, "cpu"));
	const char *kernel = json_string_value(json_object_get(root, "kernel"));
	const char *date = json_string_value(json_object_get(root, "date"));
	char words[256];
	size_t i;

	fprintf(pic->f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"font-family=\"Helvetica, Arial, sans-serif\">\n"
		"<style>.grid{stroke:#d5d5d5;stroke-width:1}.curve{fill:none;stroke-width:2.5}"
		".axis{font-size:13px;fill:#444}.title{font-size:15px;font-weight:bold;fill:#222}"
		".value{font-size:12px;font-weight:bold;paint-order:stroke;stroke:#fff;"
		"stroke-width:4px;stroke-linejoin:round}.small{font-size:11px;fill:#777}"
		".paper{fill:#fff}@media(prefers-color-scheme:dark){.paper{fill:#0d1117}"
		".grid{stroke:#30363d}.axis,.small{fill:#b0b8c0}.title{fill:#f0f3f6}"
		".value{stroke:#0d1117}}</style>\n"
		"<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	text(pic->f, panels[0].left, 28, "class=\"title\" style=\"font-size:18px\"",
	     "Deleting an address on a busy NAT node");
	draw_legend(pic);
	for (i = 0; i < ARRAY_SIZE(panels); i++)
		draw_panel(pic, &panels[i]);
	snprintf(words, sizeof(words), "make bench, %.10s, Linux %s, %lld × %s", date ? date : "",
		 kernel ? kernel : "", (long long)json_integer_value(json_object_get(root, "cpus")),
		 cpu ? cpu : "");
	text(pic->f, WIDTH - 40, HEIGHT - 12, "class=\"small\" text-anchor=\"end\"", words);
	fprintf(pic->f, "</svg>\n");
}

static void add_size(struct picture *pic, double entries)
{
	size_t i = pic->n_sizes, j;

	for (j = 0; j < pic->n_sizes; j++)
		if (pic->sizes[j] == entries)
			return;
	if (i == POINTS_MAX || !(entries > 0))
		return;
	for (; i > 0 && pic->sizes[i - 1] > entries; i--)
		pic->sizes[i] = pic->sizes[i - 1];
	pic->sizes[i] = entries;
	pic->n_sizes++;
}

/* The sizes of CURVES. */
static void add_sizes(struct picture *pic, const struct curve *curves, size_t n)
{
	double entries[POINTS_MAX], us[POINTS_MAX];

	while (n--) {
		size_t i = points_of(pic, &curves[n], entries, us);

		while (i--)
			add_size(pic, entries[i]);
	}
}

/* All that are drawn, with room for what is written beside the points. */
static void find_range(struct picture *pic)
{
	double least, most, ratio;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(panels); i++)
		add_sizes(pic, panels[i].curves, ARRAY_SIZE(panels[i].curves));
	least = pic->n_sizes ? pic->sizes[0] : 1;
	most = pic->n_sizes ? pic->sizes[pic->n_sizes - 1] : 1;
	ratio = pow(most / least, 0.12);
	pic->entries.low = least / MAX(ratio, 1.4);
	pic->entries.high = most * MAX(ratio * ratio, 1.8);
}

int plot_write(const char *from, const char *to)
{
	json_t *root = json_load_file(from, 0, NULL);
	struct picture pic = { .results = json_object_get(root, "results") };
	int r = 0;

	if (!json_is_array(pic.results)) {
		json_decref(root);
		return -EBADMSG;
	}
	pic.f = fopen(to, "we");
	if (pic.f) {
		find_range(&pic);
		draw(&pic, root);
		r = ferror(pic.f) ? -EIO : 0;
		r = fclose(pic.f) < 0 ? -errno : r;
	} else {
		r = -errno;
	}
	json_decref(root);
	return r;
}
