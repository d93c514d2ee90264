/* #define HIDDEN 9 */
#define OLD_NUMBER 7
typedef uint8_t old_kind_t; // a number
typedef struct old_thing old_thing_t;
enum old_kind_enum {
  OLD_A, // 0
  OLD_B = 128,
  OLD_C,
};
