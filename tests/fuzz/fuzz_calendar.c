/* Calendar files, ours and holiday-cn's. A calendar that parses counts: forwards only, over worked days only, and its
   packed form counts alike. */
#include "fuzz.h"

#include "calendar/calendar.h"
#include "message/message.h"

#define DAYS 400

static void check_counting(const Calendar__Calendar *definition)
{
    struct calendar *calendar = calendar_new(definition, NULL);
    int32_t from = date_from(2025, 9, 1);
    unsigned worked = 0;
    for (int32_t date = from; date < from + DAYS; date++) {
        int opens = calendar_opening(calendar, date), closes = calendar_closing(calendar, date);
        bool works = calendar_works(calendar, date);
        must(works ? opens >= 0 && opens < closes && closes <= 1440 : opens == -1 && closes == -1);
        must(calendar_next_working(calendar, date) >= date);
        worked += works;
    }
    int64_t begin = instant_of(calendar, from, 0), end = instant_of(calendar, from + DAYS, 0);
    int64_t hours = calendar_working_ms(calendar, begin, end);
    must(hours >= 0 && hours <= end - begin && (worked == 0) == (hours == 0));
    if (hours) {
        int64_t reached = calendar_add_working_ms(calendar, begin, hours / 2 + 1);
        must(reached > begin && reached <= end && calendar_working_ms(calendar, begin, reached) == hours / 2 + 1);
        int32_t third = calendar_add_working_days(calendar, from, 3);
        must(third >= from + 3 && calendar_works(calendar, third));
    }
    calendar_free(calendar);
}

static void check_sorted(const Calendar__Calendar *calendar)
{
    for (size_t i = 1; i < calendar->n_exceptions; i++)
        must(calendar->exceptions[i - 1]->date < calendar->exceptions[i]->date);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena);
    Calendar__Calendar *calendar = NULL, plain = CALENDAR__CALENDAR__INIT;
    char *why = NULL;
    ProtobufCMessage *again;
    fuzz_memory_begin();
    enum err err = calendar_parse(bytes_of(data, size), &arena, &calendar, &why);
    fuzz_memory_end(size);
    must((err != ERR_NONE) == (why != NULL));
    if (!err) {
        check_sorted(calendar);
        check_counting(calendar);
        must(message_unpack(&calendar__calendar__descriptor, message_pack((ProtobufCMessage *)calendar, &arena), &arena,
                            &again, &why) == ERR_NONE);
        check_counting((Calendar__Calendar *)again);
    }
    why = NULL;
    fuzz_memory_begin();
    err = calendar_add_holiday_cn(&plain, bytes_of(data, size), &arena, &why);
    fuzz_memory_end(size);
    must((err != ERR_NONE) == (why != NULL));
    if (!err) {
        check_sorted(&plain);
        check_counting(&plain);
    }
    arena_fini(&arena);
    return 0;
}
