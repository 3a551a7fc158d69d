/* The list as a workbook (Office Open XML), any number of rows: a page of analytics at a time, written into the ZIP as
   it comes (zip.h), so it takes no more memory for a million rows than for one. Texts are inline strings, never
   formulas; times are dates of the site's clock. A sheet has at most a million rows; what is more goes on in the next
   one. */
#include "case_export.h"

#include "calendar/zone.h"
#include "zip.h"

#include <string.h>

#define SHEET_ROWS_MAX 1000000u
#define SHEETS_MAX 50u
#define DAY_MS 86400000.0
#define EPOCH_DAYS 25569 /* 1970-01-01 as spreadsheets count */
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE "http://schemas.openxmlformats.org/package/2006/"
#define TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml."
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"

struct workbook {
    struct case_export *export;
    struct zip *zip;
    unsigned sheets, rows;
};

static void write_bytes(void *context, struct bytes bytes)
{
    const struct workbook *book = context;
    http_stream_write(case_export_request(book->export), bytes);
}

/* XML 1.0 has no other control characters than these, and no U+FFFE and U+FFFF, not even escaped. */
static char *escaped(struct arena *arena, const char *text)
{
    static const char *const names[] = {['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;"};
    char *out = arena_alloc(arena, 5 * strlen(text) + 1), *end = out;
    for (; *text; text++) {
        const char *name = (unsigned char)*text < sizeof names / sizeof *names ? names[(unsigned char)*text] : NULL;
        if (name)
            end = stpcpy(end, name);
        else if (strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0)
            text += 2;
        else if ((unsigned char)*text >= ' ' || strchr("\t\r\n", *text))
            *end++ = *text;
    }
    *end = 0;
    return out;
}

static void put_text(struct workbook *book, const char *text, const char *style)
{
    struct arena *arena = &case_export_request(book->export)->arena;
    zip_put(book->zip, *text ? arena_printf(arena, "<c t=\"inlineStr\"%s><is><t xml:space=\"preserve\">%s</t></is></c>",
                                            style, escaped(arena, text))
                             : "<c/>");
}

static void put_time(struct workbook *book, const struct zone *zone, int64_t ms)
{
    struct arena *arena = &case_export_request(book->export)->arena;
    zip_put(book->zip, ms ? arena_printf(arena, "<c s=\"1\"><v>%.6f</v></c>",
                                         (double)zone_local_ms(zone, ms) / DAY_MS + EPOCH_DAYS)
                          : "<c/>");
}

static void begin_sheet(struct workbook *book)
{
    struct arena *arena = &case_export_request(book->export)->arena;
    zip_begin(book->zip, arena_printf(arena, "xl/worksheets/sheet%u.xml", ++book->sheets));
    zip_put(book->zip,
            XML "<worksheet xmlns=\"" MAIN "\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" "
                "topLeftCell=\"A2\" state=\"frozen\"/></sheetView></sheetViews><cols><col min=\"1\" max=\"20\" "
                "width=\"20\" customWidth=\"1\"/></cols><sheetData><row>");
    size_t count;
    const char *const *columns = case_export_columns(book->export, &count);
    for (size_t i = 0; i < count; i++)
        put_text(book, columns[i], " s=\"2\"");
    zip_put(book->zip, "</row>");
    book->rows = 0;
}

static void end_sheet(struct workbook *book)
{
    zip_put(book->zip, "</sheetData></worksheet>");
    zip_end(book->zip);
}

static void begin(struct case_export *export)
{
    struct workbook *book = case_export_kept(export, sizeof *book);
    book->export = export;
    book->zip = zip_new(&case_export_request(export)->arena, write_bytes, book);
    begin_sheet(book);
}

static void row(struct case_export *export, const struct case_export_cell *cells, size_t count, const struct zone *zone)
{
    struct workbook *book = case_export_kept(export, sizeof *book);
    if (book->rows == SHEET_ROWS_MAX && book->sheets < SHEETS_MAX) {
        end_sheet(book);
        begin_sheet(book);
    }
    book->rows++;
    zip_put(book->zip, "<row>");
    for (size_t i = 0; i < count; i++)
        if (cells[i].text)
            put_text(book, cells[i].text, "");
        else
            put_time(book, zone, cells[i].ms);
    zip_put(book->zip, "</row>");
}

/* Rows that the deflate stream still holds would leave the reader waiting for more. */
static void page(struct case_export *export)
{
    struct workbook *book = case_export_kept(export, sizeof *book);
    zip_flush(book->zip);
}

static void put_part(struct workbook *book, const char *name, const char *text)
{
    zip_begin(book->zip, name);
    zip_put(book->zip, XML);
    zip_put(book->zip, text);
    zip_end(book->zip);
}

/* What names the sheets comes after them, when it is known how many there are. */
static void end(struct case_export *export)
{
    struct workbook *book = case_export_kept(export, sizeof *book);
    struct arena *arena = &case_export_request(export)->arena;
    char *sheets = "", *links = "", *types = "";
    end_sheet(book);
    for (unsigned i = 1; i <= book->sheets; i++) {
        sheets = arena_printf(arena, "%s<sheet name=\"cases %u\" sheetId=\"%u\" r:id=\"rId%u\"/>", sheets, i, i, i);
        links = arena_printf(
            arena, "%s<Relationship Id=\"rId%u\" Type=\"" OFFICE "/worksheet\" Target=\"worksheets/sheet%u.xml\"/>",
            links, i, i);
        types = arena_printf(
            arena, "%s<Override PartName=\"/xl/worksheets/sheet%u.xml\" ContentType=\"" TYPE "worksheet+xml\"/>", types,
            i);
    }
    put_part(book, "xl/workbook.xml",
             arena_printf(arena, "<workbook xmlns=\"" MAIN "\" xmlns:r=\"" OFFICE "\"><sheets>%s</sheets></workbook>",
                          sheets));
    put_part(book, "xl/_rels/workbook.xml.rels",
             arena_printf(arena,
                          "<Relationships xmlns=\"" PACKAGE
                          "relationships\">%s<Relationship Id=\"rIdStyles\" Type=\"" OFFICE
                          "/styles\" Target=\"styles.xml\"/></Relationships>",
                          links));
    put_part(book, "xl/styles.xml",
             "<styleSheet xmlns=\"" MAIN
             "\"><numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm\"/></numFmts>"
             "<fonts count=\"2\"><font/><font><b/></font></fonts><fills count=\"2\"><fill><patternFill "
             "patternType=\"none\"/></fill>"
             "<fill><patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border/></borders>"
             "<cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"3\"><xf/><xf numFmtId=\"164\" "
             "applyNumberFormat=\"1\"/>"
             "<xf fontId=\"1\" applyFont=\"1\"/></cellXfs></styleSheet>");
    put_part(book, "_rels/.rels",
             "<Relationships xmlns=\"" PACKAGE "relationships\"><Relationship Id=\"rId1\" Type=\"" OFFICE
             "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
    put_part(
        book, "[Content_Types].xml",
        arena_printf(arena,
                     "<Types xmlns=\"" PACKAGE "content-types\"><Default Extension=\"rels\" ContentType=\"application/"
                     "vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/xl/workbook.xml\" "
                     "ContentType=\"" TYPE "sheet.main+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"" TYPE
                     "styles+xml\"/>%s</Types>",
                     types));
    zip_finish(book->zip);
}

const struct case_export_format case_xlsx = {
    .name = "xlsx", .type = TYPE "sheet", .file = "cases.xlsx", .begin = begin, .row = row, .page = page, .end = end};
