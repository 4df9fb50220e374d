/// What of ncurses Swift cannot see: macros, the screen behind a variable, and restoring a terminal in a signal handler.
#ifndef STREAMD_CNCURSES_H
#define STREAMD_CNCURSES_H

/// Keys that are no characters.
enum {
  CNCURSES_NONE = -1,
  CNCURSES_UP = 0x110000,
  CNCURSES_DOWN,
  CNCURSES_LEFT,
  CNCURSES_RIGHT,
  CNCURSES_PAGE_UP,
  CNCURSES_PAGE_DOWN,
  CNCURSES_HOME,
  CNCURSES_END,
  CNCURSES_BACKTAB,
  CNCURSES_RESIZE,
  CNCURSES_OTHER,
};

/// How text looks; the low four bits are one of these, and the flags come on top. A terminal without colours shows weights.
enum {
  CNCURSES_PLAIN = 0,
  CNCURSES_DIM,
  CNCURSES_BOLD,
  CNCURSES_GOOD,
  CNCURSES_WARN,
  CNCURSES_BAD,
  CNCURSES_ACCENT,
  CNCURSES_REVERSE = 16,
};

/// Whether the user's locale writes UTF-8. Before `cncurses_begin`.
int cncurses_takes_unicode(void);

/// Takes the terminal over; 0, or -1 when it is none that can be drawn on. The terminal is given back by `cncurses_end`, and
/// by a crash.
int cncurses_begin(int with_colours);
void cncurses_end(void);

/// The signal that asks for the end (interrupt, quit, terminate, hang-up); 0 while none came.
int cncurses_ending(void);

void cncurses_size(int *rows, int *columns);
void cncurses_clear(void);
/// `text` is in the locale's encoding and is cut at the right edge.
void cncurses_put(int row, int column, const char *text, int style);
void cncurses_show(void);
/// Draws everything anew: somebody else has written to the terminal.
void cncurses_redraw(void);

/// The next key, without waiting; a character's code point, or one of the above.
int cncurses_key(void);
#endif
