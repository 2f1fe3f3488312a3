// An app-server that says what a script says: for each line `<` it reads a line, each line `>TEXT` it writes.
// usage: server SCRIPT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

static char line[1 << 20];

int main(int count, char **arguments) {
#ifdef _WIN32
  // Otherwise each end of a line gets a carriage return.
  _setmode(_fileno(stdout), _O_BINARY);
#endif
  FILE *script = count > 1 ? fopen(arguments[1], "rb") : NULL;
  if (script == NULL) return 2;
  while (fgets(line, sizeof line, script) != NULL) {
    if (line[0] == '<') {
      if (fgets(line, sizeof line, stdin) == NULL) return 3;
    } else {
      fputs(line + 1, stdout);
      fflush(stdout);
    }
  }
  return 0;
}
