// The guest of the example: prints its arguments and a variable, copies what it reads from standard input into a file,
// and ends with a status of its own.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    const char *user = getenv("USER_NAME");
    printf("USER_NAME: %s\n", user ? user : "none");

    char line[200];
    FILE *file = fopen("/data/copy.txt", "w");
    if (!file || !fgets(line, sizeof line, stdin))
        return 1;
    fputs(line, file);
    fclose(file);
    return 3;
}
