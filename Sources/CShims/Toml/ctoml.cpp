#include "ctoml.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {
struct BrokenAssertion {};
[[noreturn]] void assertion_failed() { throw BrokenAssertion(); }
}  // namespace

// The parser asserts on some malformed texts ("[=]" is one), and in release builds assumes there are none. Its checks
// stay on in every build and become exceptions, so that no text can end the daemon.
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : assertion_failed())
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/toml.h>

namespace {

// One line can nest as deep as it has dots, an array can hold that again: together with the parser's bound on nested
// values and this one no tree is deeper than a small stack can take down again.
constexpr size_t max_dots_in_line = 128;
constexpr uint32_t max_depth = 32;
constexpr size_t max_values = 65536;

struct Entry {
  int type = 0;
  ctoml_place place{};
  ctoml_place key_place{};
  std::string key;
  std::string text;
  int64_t integer = 0;
  double number = 0;
  bool flag = false;
  uint32_t first_child = 0;
  uint32_t child_count = 0;
};

struct Pending {
  const toml::node *node;
  uint32_t entry;
  uint32_t depth;
};

struct Failure {
  const char *message;
  ctoml_place place;
};

ctoml_place place_of(const toml::source_region &region) {
  return {static_cast<uint32_t>(region.begin.line), static_cast<uint32_t>(region.begin.column)};
}

void fail(ctoml_error *error, const char *message, ctoml_place place) noexcept {
  if (!error) return;
  std::snprintf(error->message, sizeof error->message, "%s", message);
  error->place = place;
}

void check_dots(std::string_view text) {
  uint32_t line = 1, column = 0;
  size_t dots = 0;
  for (char c : text) {
    if (c == '\n') {
      line++, column = 0, dots = 0;
      continue;
    }
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) column++;
    if (c == '.' && ++dots > max_dots_in_line) throw Failure{"more than 128 dots in one line", {line, column}};
  }
}

bool breaks(std::string_view text) {
  try {
    (void)toml::parse(text);
  } catch (const BrokenAssertion &) {
    return true;
  } catch (...) {
  }
  return false;
}

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// A broken assertion says no place. The parser never looks back, so the shortest text that breaks it ends at the place.
ctoml_place place_of_break(std::string_view text) {
  size_t passes = 0, fails = text.size();
  while (fails - passes > 1) {
    size_t middle = passes + (fails - passes) / 2;
    while (middle > passes && continues_code_point(text[middle])) middle--;
    if (middle == passes) {
      middle = passes + 1;
      while (middle < fails && continues_code_point(text[middle])) middle++;
      if (middle == fails) break;
    }
    (breaks(text.substr(0, middle)) ? fails : passes) = middle;
  }
  ctoml_place place{1, 1};
  for (char c : text.substr(0, passes)) {
    if (c == '\n') {
      place.line++, place.column = 1;
    } else if (!continues_code_point(c)) {
      place.column++;
    }
  }
  return place;
}

}  // namespace

struct ctoml_document {
  std::vector<Entry> entries;

  const Entry *at(ctoml_node node) const noexcept { return node < entries.size() ? &entries[node] : nullptr; }
};

namespace {

void fill_scalar(Entry &entry, const toml::node &node) {
  if (auto *text = node.as_string()) {
    entry.type = CTOML_STRING, entry.text = text->get();
  } else if (auto *integer = node.as_integer()) {
    entry.type = CTOML_INTEGER, entry.integer = integer->get();
  } else if (auto *number = node.as_floating_point()) {
    entry.type = CTOML_FLOAT, entry.number = number->get();
  } else if (auto *flag = node.as_boolean()) {
    entry.type = CTOML_BOOLEAN, entry.flag = flag->get();
  } else {
    entry.type = CTOML_TIME;
  }
}

struct Child {
  const toml::key *key;
  const toml::node *node;
};

std::vector<Child> children_of(Entry &entry, const toml::node &node) {
  std::vector<Child> children;
  if (auto *table = node.as_table()) {
    entry.type = CTOML_TABLE;
    for (auto &&[key, value] : *table) children.push_back({&key, &value});
    std::sort(children.begin(), children.end(), [](const Child &a, const Child &b) {
      auto &x = a.key->source().begin, &y = b.key->source().begin;
      return std::pair(x.line, x.column) < std::pair(y.line, y.column);
    });
  } else if (auto *array = node.as_array()) {
    entry.type = CTOML_ARRAY;
    for (auto &&value : *array) children.push_back({nullptr, &value});
  } else {
    fill_scalar(entry, node);
  }
  return children;
}

// Breadth first, so that the children of one value are neighbours.
void flatten(ctoml_document &document, const toml::table &root) {
  document.entries.emplace_back();
  std::vector<Pending> pending{{&root, 0, 0}};
  for (size_t next = 0; next < pending.size(); next++) {
    const Pending item = pending[next];
    if (item.depth > max_depth) throw Failure{"nested too deeply", place_of(item.node->source())};
    auto children = children_of(document.entries[item.entry], *item.node);
    if (document.entries.size() + children.size() > max_values) {
      throw Failure{"more than 65536 values", place_of(item.node->source())};
    }
    const auto first = static_cast<uint32_t>(document.entries.size());
    document.entries[item.entry].place = place_of(item.node->source());
    document.entries[item.entry].first_child = first;
    document.entries[item.entry].child_count = static_cast<uint32_t>(children.size());
    for (auto &child : children) {
      pending.push_back({child.node, static_cast<uint32_t>(document.entries.size()), item.depth + 1});
      auto &entry = document.entries.emplace_back();
      if (!child.key) continue;
      entry.key = child.key->str();
      entry.key_place = place_of(child.key->source());
    }
  }
}

}  // namespace

ctoml_document *ctoml_parse(const char *bytes, size_t count, ctoml_error *error) {
  const std::string_view text(bytes ? bytes : "", bytes ? count : 0);
  try {
    check_dots(text);
    const toml::table root = toml::parse(text);
    ctoml_document document;
    flatten(document, root);
    return new ctoml_document(std::move(document));
  } catch (const Failure &failure) {
    fail(error, failure.message, failure.place);
  } catch (const toml::parse_error &problem) {
    fail(error, problem.what(), place_of(problem.source()));
  } catch (const BrokenAssertion &) {
    fail(error, "unexpected character", place_of_break(text));
  } catch (const std::exception &problem) {
    fail(error, problem.what(), {0, 0});
  } catch (...) {
    fail(error, "unknown failure of the parser", {0, 0});
  }
  return nullptr;
}

void ctoml_free(ctoml_document *document) { delete document; }

int ctoml_type(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->type : 0;
}

ctoml_place ctoml_value_place(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->place : ctoml_place{};
}

ctoml_node ctoml_first_child(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->first_child : 0;
}

uint32_t ctoml_child_count(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->child_count : 0;
}

ctoml_text ctoml_key(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? ctoml_text{entry->key.data(), entry->key.size()} : ctoml_text{};
}

ctoml_place ctoml_key_place(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->key_place : ctoml_place{};
}

ctoml_text ctoml_string(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? ctoml_text{entry->text.data(), entry->text.size()} : ctoml_text{};
}

int64_t ctoml_integer(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->integer : 0;
}

double ctoml_float(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry ? entry->number : 0;
}

bool ctoml_boolean(const ctoml_document *document, ctoml_node node) {
  auto *entry = document->at(node);
  return entry && entry->flag;
}
