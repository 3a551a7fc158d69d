/* Boxes and tracking codes that come back from outside. Only what this vault sealed opens, and only as it was sealed;
   only the right code matches. */
#include "fuzz.h"

#include "vault/vault.h"

#include <ctype.h>

#define TEXT "楼上半夜装修"
#define CASE_ID 4503599627370497ull

static struct vault *vault;
static struct arena kept;
static Hb__Sealed *sealed; /* of the field "text" */
static char code[VAULT_TRACKING_CHARACTERS + 1];

static void repeatable(void *context, void *out, size_t size)
{
    static uint64_t state = 7;
    (void)context;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(state >> 56);
    }
}

static void open_vault(void)
{
    arena_init(&kept);
    char *folder = arena_printf(&kept, "%s/vault", fuzz_folder());
    char *epoch = arena_printf(&kept, "%s/epoch/intake-0", fuzz_folder());
    struct vault_options options = {
        .folder = folder, .epoch_path = epoch, .random = repeatable, .map_bytes = 64u << 20, .no_sync = true};
    const char *why;
    uint64_t key;
    must(vault_open_dir(&options, &kept, &vault, &why) == ERR_NONE && vault_take(vault, &key) == ERR_NONE);
    must(vault_seal(vault, key, "text", TEXT, &kept, &sealed) == ERR_NONE);
    vault_tracking_code(vault, CASE_ID, code);
}

/* The box as it was, changed as the input says: replaced, cut, flipped, moved to another field or key. */
static void check_box(struct draw *draw, struct arena *arena)
{
    Hb__Sealed given = *sealed;
    struct bytes box = bytes_of(sealed->box.data, sealed->box.len);
    char *text = NULL;
    switch (draw_below(draw, 5)) {
    case 0:
        box = draw_bytes(draw, 255);
        break;
    case 1:
        box.size = draw_below(draw, (unsigned)box.size + 1);
        break;
    case 2: {
        struct bytes copy = arena_copy(arena, box);
        ((uint8_t *)(uintptr_t)copy.data)[draw_below(draw, (unsigned)copy.size)] ^= draw_byte(draw);
        box = copy;
        break;
    }
    case 3:
        given.field = draw_text(draw, (const char *const[]){"text", "party.name", "", NULL}, 255, arena);
        break;
    default:
        given.key_id ^= draw_u64(draw);
        break;
    }
    bool same = bytes_equal(box, bytes_of(sealed->box.data, sealed->box.len)) &&
                strcmp(given.field, sealed->field) == 0 && given.key_id == sealed->key_id;
    given.box = (ProtobufCBinaryData){box.size, (uint8_t *)(uintptr_t)box.data};
    enum err err = vault_open(vault, &given, arena, &text);
    must(same == (err == ERR_NONE));
    must(!same || strcmp(text, TEXT) == 0);
}

static bool means(char given, char right)
{
    char upper = (char)toupper((unsigned char)given);
    return upper == right || (upper == 'O' && right == '0') || ((upper == 'I' || upper == 'L') && right == '1');
}

static void check_code(struct draw *draw, struct arena *arena)
{
    struct bytes raw = draw_bytes(draw, 12);
    char *given = arena_text(arena, (const char *)raw.data, raw.size);
    if (draw_byte(draw) & 1) { /* nearly right */
        given = arena_strdup(arena, code);
        given[draw_below(draw, VAULT_TRACKING_CHARACTERS)] = (char)draw_byte(draw);
    }
    bool right = strlen(given) == VAULT_TRACKING_CHARACTERS;
    for (unsigned i = 0; right && i < VAULT_TRACKING_CHARACTERS; i++)
        right = means(given[i], code[i]);
    must(vault_tracking_matches(vault, CASE_ID, given) == right);
}

/* Whatever is sealed opens as it was, under the field it was sealed for. */
static void check_text(struct draw *draw, struct arena *arena)
{
    Hb__Sealed *box;
    char *back, *field = draw_text(draw, NULL, 255, arena), *text = draw_text(draw, NULL, 255, arena);
    must(vault_seal(vault, sealed->key_id, field, text, arena, &box) == ERR_NONE);
    must(vault_open(vault, box, arena, &back) == ERR_NONE && strcmp(back, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!vault)
        open_vault();
    struct arena arena;
    struct draw draw = draw_of(data, size);
    fuzz_memory_begin();
    arena_init(&arena);
    check_code(&draw, &arena);
    check_box(&draw, &arena);
    check_text(&draw, &arena);
    arena_fini(&arena);
    fuzz_memory_end(size);
    return 0;
}
