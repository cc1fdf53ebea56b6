/*
 * edits: the piece table and its sealed form.
 *
 *   version (1 byte), flags (1), 0 (2), pieces (4), bytes underneath (8), bytes of the edited form (8), bytes
 *   of text (8); then each piece: offset (8) and size (8); then the text
 */
#include "message/edits.h"

#include <endian.h>
#include "base/mem.h"

enum { SEALED_VERSION = 1, SEALED_HEAD = 32, SEALED_EIGHT_BIT = 1, SEALED_JUDGED = 2 };
#define IN_TEXT (UINT64_C(1) << 63)

static struct edits_piece make_piece(bool text, uint64_t offset, uint64_t size)
{
    return (struct edits_piece){htole64(offset), htole64(size | (text ? IN_TEXT : 0))};
}

static uint64_t piece_size(const struct edits_piece *piece)
{
    return le64toh(piece->size) & ~IN_TEXT;
}

static bool piece_is_text(const struct edits_piece *piece)
{
    return le64toh(piece->size) & IN_TEXT;
}

/* ---- making ------------------------------------------------------------------------------------------ */

void edits_init(struct edits *edits, uint64_t base)
{
    *edits = (struct edits){.base = base, .size = base};
    if (base == 0)
        return;
    edits->room = 8;
    edits->pieces = mem_array(edits->room, sizeof *edits->pieces);
    edits->pieces[edits->count++] = make_piece(false, 0, base);
}

void edits_release(struct edits *edits)
{
    free(edits->pieces);
    buf_release(&edits->text);
    *edits = (struct edits){0};
}

bool edits_are_none(const struct edits *edits)
{
    if (edits->base == 0)
        return edits->size == 0;
    return edits->count == 1 && !piece_is_text(edits->pieces) && edits->size == edits->base;
}

/* Bytes of text that the pieces use. */
static uint64_t live_text(const struct edits *edits)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < edits->count; i++)
        live += piece_is_text(&edits->pieces[i]) ? piece_size(&edits->pieces[i]) : 0;
    return live;
}

/* Appends the piece's text to `out`; the piece as it is with that text. */
static struct edits_piece move_text(const struct edits *edits, const struct edits_piece *piece,
                                    struct buf *out)
{
    if (!piece_is_text(piece))
        return *piece;
    uint64_t offset = buf_size(out);
    buf_append(out, buf_slice(&edits->text).data + le64toh(piece->offset), piece_size(piece));
    return make_piece(true, offset, piece_size(piece));
}

/* Text that no piece uses any more is forgotten. */
static void compact(struct edits *edits)
{
    struct buf text = {0};
    for (uint32_t i = 0; i < edits->count; i++)
        edits->pieces[i] = move_text(edits, &edits->pieces[i], &text);
    buf_release(&edits->text);
    edits->text = text;
}

/* Makes `at` the border of two pieces; the index of the later one. There is room for one more. */
static uint32_t split(struct edits *edits, uint64_t at)
{
    uint64_t start = 0;
    uint32_t i = 0;
    while (i < edits->count && start + piece_size(&edits->pieces[i]) <= at)
        start += piece_size(&edits->pieces[i++]);
    if (i == edits->count || start == at)
        return i;
    struct edits_piece whole = edits->pieces[i];
    uint64_t before = at - start, offset = le64toh(whole.offset);
    bool text = piece_is_text(&whole);
    memmove(&edits->pieces[i + 1], &edits->pieces[i], (edits->count - i) * sizeof whole);
    edits->count++;
    edits->pieces[i] = make_piece(text, offset, before);
    edits->pieces[i + 1] = make_piece(text, offset + before, piece_size(&whole) - before);
    return i + 1;
}

static void make_room(struct edits *edits, uint32_t more)
{
    if (edits->count + more <= edits->room)
        return;
    edits->room = edits->room * 2 + more;
    edits->pieces = mem_resize(edits->pieces, edits->room * sizeof *edits->pieces);
}

/* Text that follows the text before it makes that piece longer: fields added one by one stay few pieces. */
static bool extends(struct edits *edits, uint32_t index, uint64_t offset, uint64_t size)
{
    struct edits_piece *before = index > 0 ? &edits->pieces[index - 1] : NULL;
    if (!before || !piece_is_text(before) || le64toh(before->offset) + piece_size(before) != offset)
        return false;
    *before = make_piece(true, le64toh(before->offset), piece_size(before) + size);
    return true;
}

/* As edits_splice, for a range that is within the edited form, and without its bounds. */
static void splice(struct edits *edits, uint64_t at, uint64_t removed, struct slice text)
{
    if (buf_size(&edits->text) + text.size > (size_t)2 * EDITS_TEXT)
        compact(edits);
    make_room(edits, 3);
    uint32_t first = split(edits, at), behind = split(edits, at + removed);
    memmove(&edits->pieces[first], &edits->pieces[behind], (edits->count - behind) * sizeof *edits->pieces);
    edits->count -= behind - first;
    uint64_t offset = buf_size(&edits->text);
    if (text.size > 0 && !extends(edits, first, offset, text.size)) {
        memmove(&edits->pieces[first + 1], &edits->pieces[first],
                (edits->count - first) * sizeof *edits->pieces);
        edits->pieces[first] = make_piece(true, offset, text.size);
        edits->count++;
    }
    buf_append_slice(&edits->text, text);
    edits->eight_bit |= !slice_is_ascii(text);
    edits->size += text.size - removed;
}

enum edits_outcome edits_splice(struct edits *edits, uint64_t at, uint64_t removed, struct slice text)
{
    if (at > edits->size || removed > edits->size - at)
        return EDITS_OUT_OF_RANGE;
    if (text.size > EDITS_TEXT || edits->count + 2 > EDITS_PIECES)
        return EDITS_TOO_MUCH;
    if (live_text(edits) + text.size > EDITS_TEXT) /* what is removed does not count: rather too early */
        return EDITS_TOO_MUCH;
    splice(edits, at, removed, text);
    return EDITS_OK;
}

void edits_prepend(struct edits *edits, struct slice text)
{
    splice(edits, 0, 0, text);
}

/* Appends what `piece`, which begins at `start`, has from `from` up to `to`. There is room. */
static void keep(struct edits *edits, const struct edits_piece *piece, uint64_t start, uint64_t from,
                 uint64_t to)
{
    if (to > from)
        edits->pieces[edits->count++] =
            make_piece(piece_is_text(piece), le64toh(piece->offset) + from - start, to - from);
}

/* Appends to `to` the pieces of `from` without the ranges. */
static void copy_without(const struct edits *from, const struct edits_range *ranges, size_t count,
                         struct edits *to)
{
    const struct edits_range *range = ranges, *last = ranges + count;
    uint64_t start = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct edits_piece *piece = &from->pieces[i];
        uint64_t end = start + piece_size(piece), at = start;
        for (; range < last && range->at < end; range++) {
            keep(to, piece, start, at, range->at); /* nothing, if the range began in a piece before */
            at = range->at + range->size;
            if (at > end)
                break; /* the next piece has the rest of it */
        }
        keep(to, piece, start, at, end);
        start = end;
    }
}

enum edits_outcome edits_cut(struct edits *edits, const struct edits_range *ranges, size_t count)
{
    uint64_t removed = 0;
    if (count == 0)
        return EDITS_OK;
    if (ranges[count - 1].at > edits->size || ranges[count - 1].size > edits->size - ranges[count - 1].at)
        return EDITS_OUT_OF_RANGE;
    struct edits cut = {.room = edits->count + (uint32_t)count};
    cut.pieces = mem_array(cut.room, sizeof *cut.pieces);
    copy_without(edits, ranges, count, &cut);
    if (cut.count > EDITS_PIECES && cut.count > edits->count) {
        free(cut.pieces);
        return EDITS_TOO_MUCH;
    }
    for (size_t i = 0; i < count; i++)
        removed += ranges[i].size;
    free(edits->pieces);
    edits->pieces = cut.pieces;
    edits->count = cut.count;
    edits->room = cut.room;
    edits->size -= removed;
    return EDITS_OK;
}

static void put(struct buf *out, uint64_t value, size_t width)
{
    uint64_t little = htole64(value);
    buf_append(out, &little, width);
}

void edits_judge(struct edits *edits, bool eight_bit)
{
    edits->eight_bit = eight_bit;
    edits->judged = true;
}

void edits_seal(const struct edits *edits, struct buf *out)
{
    struct buf text = {0};
    put(out, SEALED_VERSION, 1);
    put(out, (edits->eight_bit ? SEALED_EIGHT_BIT : 0) | (edits->judged ? SEALED_JUDGED : 0), 1);
    put(out, 0, 2);
    put(out, edits->count, 4);
    put(out, edits->base, 8);
    put(out, edits->size, 8);
    put(out, live_text(edits), 8);
    for (uint32_t i = 0; i < edits->count; i++) {
        struct edits_piece piece = move_text(edits, &edits->pieces[i], &text);
        buf_append(out, &piece, sizeof piece);
    }
    buf_append_slice(out, buf_slice(&text));
    buf_release(&text);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static uint64_t get(const char *bytes, size_t width)
{
    uint64_t little = 0;
    memcpy(&little, bytes, width);
    return le64toh(little);
}

static struct edits_piece piece_at(const struct edits_view *view, uint32_t index)
{
    struct edits_piece piece;
    memcpy(&piece, view->pieces + index * sizeof piece, sizeof piece);
    return piece;
}

struct edits_view edits_view(const struct edits *edits)
{
    return (struct edits_view){
        .base = edits->base,
        .size = edits->size,
        .count = edits->count,
        .eight_bit = edits->eight_bit,
        .judged = edits->judged,
        .pieces = (const char *)edits->pieces,
        .text = buf_slice(&edits->text),
    };
}

/* Do the pieces lie within what they are pieces of, and are they `size` bytes together? */
static bool is_sound(const struct edits_view *view)
{
    uint64_t left = view->size;
    for (uint32_t i = 0; i < view->count; i++) {
        struct edits_piece piece = piece_at(view, i);
        uint64_t size = piece_size(&piece), offset = le64toh(piece.offset);
        uint64_t limit = piece_is_text(&piece) ? view->text.size : view->base;
        if (size == 0 || size > left || offset > limit || size > limit - offset)
            return false;
        left -= size;
    }
    return left == 0;
}

bool edits_open(struct slice sealed, struct edits_view *view)
{
    if (sealed.size < SEALED_HEAD || get(sealed.data, 1) != SEALED_VERSION || get(sealed.data + 2, 2) != 0)
        return false;
    uint64_t pieces = get(sealed.data + 4, 4) * sizeof(struct edits_piece), text = get(sealed.data + 24, 8);
    if (pieces > sealed.size - SEALED_HEAD || text != sealed.size - SEALED_HEAD - pieces)
        return false;
    *view = (struct edits_view){
        .base = get(sealed.data + 8, 8),
        .size = get(sealed.data + 16, 8),
        .count = (uint32_t)get(sealed.data + 4, 4),
        .eight_bit = get(sealed.data + 1, 1) & SEALED_EIGHT_BIT,
        .judged = get(sealed.data + 1, 1) & SEALED_JUDGED,
        .pieces = sealed.data + SEALED_HEAD,
        .text = slice_of(sealed.data + SEALED_HEAD + pieces, text),
    };
    return is_sound(view);
}

uint64_t edits_sealed_size(struct slice sealed)
{
    return get(sealed.data + 16, 8);
}

struct edits_run edits_find(const struct edits_view *view, uint64_t at, struct edits_place *place)
{
    if (at < place->start)
        *place = (struct edits_place){0};
    struct edits_piece piece = piece_at(view, place->piece);
    while (at >= place->start + piece_size(&piece)) {
        place->start += piece_size(&piece);
        piece = piece_at(view, ++place->piece);
    }
    uint64_t within = at - place->start, offset = le64toh(piece.offset) + within;
    return (struct edits_run){
        .text = piece_is_text(&piece) ? view->text.data + offset : NULL,
        .offset = offset,
        .size = piece_size(&piece) - within,
    };
}
