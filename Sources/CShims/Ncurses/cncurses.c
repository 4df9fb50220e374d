#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include "cncurses.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t ending;
static volatile sig_atomic_t is_taken;
static struct termios before;
static char farewell[256];
static size_t farewell_length;
static SCREEN *screen;
static int has_colour;

int cncurses_takes_unicode(void) {
  // Only characters: numbers keep their points.
  if (!setlocale(LC_CTYPE, "")) {
    // A locale that is not installed here, as over SSH: its encoding is what counts.
    const char *name = getenv("LC_ALL");
    if (!name || !*name) name = getenv("LC_CTYPE");
    if (!name || !*name) name = getenv("LANG");
    if (name && (strcasestr(name, "utf-8") || strcasestr(name, "utf8"))) setlocale(LC_CTYPE, "C.UTF-8");
  }
  return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void end_asked(int number) { ending = number; }

/// Only calls that a signal handler may make.
static void crashed(int number) {
  if (is_taken) {
    ssize_t done = write(STDOUT_FILENO, farewell, farewell_length);
    (void)done;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
  }
  signal(number, SIG_DFL);
  raise(number);
}

static void remember(const char *name) {
  const char *text = tigetstr(name);
  if (!text || text == (const char *)-1) return;
  // Delays, as old terminals' texts have them, are of no use here.
  for (const char *c = text; *c && farewell_length < sizeof farewell; c++) {
    if (c[0] == '$' && c[1] == '<') {
      while (*c && *c != '>') c++;
      if (!*c) break;
      continue;
    }
    farewell[farewell_length++] = *c;
  }
}

static void take_signals(void) {
  const int asking[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
  struct sigaction action = {.sa_handler = end_asked};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof asking / sizeof *asking; i++) sigaction(asking[i], &action, NULL);
  action.sa_handler = crashed;
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) sigaction(deadly[i], &action, NULL);
}

int cncurses_begin(int with_colours) {
  if (tcgetattr(STDIN_FILENO, &before) != 0) return -1;
  // Unlike initscr, it returns when the terminal is unknown.
  screen = newterm(NULL, stdout, stdin);
  if (!screen) return -1;
  is_taken = 1;
  const char *names[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) remember(names[i]);
  take_signals();
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);
  has_colour = with_colours && has_colors() && start_color() == OK;
  if (has_colour) {
    use_default_colors();
    init_pair(CNCURSES_GOOD, COLOR_GREEN, -1);
    init_pair(CNCURSES_WARN, COLOR_YELLOW, -1);
    init_pair(CNCURSES_BAD, COLOR_RED, -1);
    init_pair(CNCURSES_ACCENT, COLOR_CYAN, -1);
  }
  return 0;
}

void cncurses_end(void) {
  if (!is_taken) return;
  endwin();
  is_taken = 0;
  delscreen(screen);
  screen = NULL;
}

int cncurses_ending(void) { return ending; }

void cncurses_size(int *rows, int *columns) { getmaxyx(stdscr, *rows, *columns); }

void cncurses_clear(void) { erase(); }

static attr_t attributes(int style) {
  attr_t look = style & CNCURSES_REVERSE ? A_REVERSE : A_NORMAL;
  switch (style & 15) {
    case CNCURSES_DIM: return look | A_DIM;
    case CNCURSES_BOLD: return look | A_BOLD;
    case CNCURSES_GOOD: return look | (has_colour ? COLOR_PAIR(CNCURSES_GOOD) : 0);
    case CNCURSES_WARN: return look | (has_colour ? COLOR_PAIR(CNCURSES_WARN) : A_BOLD);
    case CNCURSES_BAD: return look | A_BOLD | (has_colour ? COLOR_PAIR(CNCURSES_BAD) : A_UNDERLINE);
    case CNCURSES_ACCENT: return look | (has_colour ? COLOR_PAIR(CNCURSES_ACCENT) : A_BOLD);
    default: return look;
  }
}

void cncurses_put(int row, int column, const char *text, int style) {
  attrset(attributes(style));
  mvaddnstr(row, column, text, -1);
}

void cncurses_show(void) {
  wnoutrefresh(stdscr);
  doupdate();
}

void cncurses_redraw(void) { clearok(stdscr, TRUE); }

int cncurses_key(void) {
  wint_t key = 0;
  switch (get_wch(&key)) {
    case ERR: return CNCURSES_NONE;
    case OK: return (int)key;
  }
  switch (key) {
    case KEY_UP: return CNCURSES_UP;
    case KEY_DOWN: return CNCURSES_DOWN;
    case KEY_LEFT: return CNCURSES_LEFT;
    case KEY_RIGHT: return CNCURSES_RIGHT;
    case KEY_PPAGE: return CNCURSES_PAGE_UP;
    case KEY_NPAGE: return CNCURSES_PAGE_DOWN;
    case KEY_HOME: return CNCURSES_HOME;
    case KEY_END: return CNCURSES_END;
    case KEY_BTAB: return CNCURSES_BACKTAB;
    case KEY_ENTER: return '\n';
    case KEY_BACKSPACE: return 127;
    case KEY_RESIZE: return CNCURSES_RESIZE;
    default: return CNCURSES_OTHER;
  }
}
