#ifndef STREAMD_CTOML_H
#define STREAMD_CTOML_H

/// TOML text as a flat tree that C (and so Swift) can walk.
///
/// The parser is toml++, a C++ library that throws; nothing is ever thrown across this boundary. Values are named by an
/// index into the document, so that a caller holds no pointer but the document's own. Thread: any, one at a time per
/// document.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ctoml_document ctoml_document;

/// A value of the document; the root table is 0.
typedef uint32_t ctoml_node;

enum {
  CTOML_TABLE = 1,
  CTOML_ARRAY = 2,
  CTOML_STRING = 3,
  CTOML_INTEGER = 4,
  CTOML_FLOAT = 5,
  CTOML_BOOLEAN = 6,
  CTOML_TIME = 7,  ///< A date, a time or both; not read any further.
};

/// Where something stands in the text, counted from 1 in lines and code points; 0 when unknown.
typedef struct {
  uint32_t line;
  uint32_t column;
} ctoml_place;

typedef struct {
  char message[256];
  ctoml_place place;
} ctoml_error;

/// Bytes in a name or a string; not terminated, owned by the document.
typedef struct {
  const char *bytes;
  size_t count;
} ctoml_text;

/// Parses UTF-8 text, or returns NULL and fills `error`.
///
/// Nesting is bounded here, because both the parser and the destructors of its tree recurse.
ctoml_document *ctoml_parse(const char *bytes, size_t count, ctoml_error *error);
void ctoml_free(ctoml_document *document);

/// One of the CTOML_ types; 0 for an index the document does not have.
int ctoml_type(const ctoml_document *document, ctoml_node node);
ctoml_place ctoml_value_place(const ctoml_document *document, ctoml_node node);

/// A table's or array's children are `ctoml_first_child` and the `ctoml_child_count - 1` indices after it. A table's
/// come in the order of the text.
ctoml_node ctoml_first_child(const ctoml_document *document, ctoml_node node);
uint32_t ctoml_child_count(const ctoml_document *document, ctoml_node node);

/// The name a value has in its table, and where the name stands.
ctoml_text ctoml_key(const ctoml_document *document, ctoml_node node);
ctoml_place ctoml_key_place(const ctoml_document *document, ctoml_node node);

/// The value itself; zero or empty when it is of another type.
ctoml_text ctoml_string(const ctoml_document *document, ctoml_node node);
int64_t ctoml_integer(const ctoml_document *document, ctoml_node node);
double ctoml_float(const ctoml_document *document, ctoml_node node);
bool ctoml_boolean(const ctoml_document *document, ctoml_node node);

#ifdef __cplusplus
}
#endif
#endif
