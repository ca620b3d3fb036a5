// Attributes written and read: what operators have in common.
#pragma once

#include <set>

#include "nnbind/attributes.hpp"
#include "nnbind/initializer.hpp"

namespace nnbind::operators {

/// "alpha", where the activation has one.
void describe_alpha(const Activation& activation, Attributes& attributes);
/// "init" and the numbers that go with it.
void describe(const Initializer& init, Attributes& attributes);

/// Takes attributes by name. Throws OptionError if there is none of a name, or it is of another
/// type; and in the end, if some were not taken.
class AttributeReader {
 public:
  explicit AttributeReader(const Attributes& attributes) : attributes_(attributes) {}

  [[nodiscard]] bool has(const std::string& name) const;
  bool flag(const std::string& name);
  Index integer(const std::string& name);
  double real(const std::string& name);
  std::string text(const std::string& name);
  AttributeArray array(const std::string& name);
  /// The activation of a name, with "alpha" where it has one.
  Activation activation(const std::string& name);
  /// What describe wrote.
  Initializer initializer();
  /// Throws OptionError if there is an attribute that nobody took.
  void finish(const std::string& owner = "operator") const;

 private:
  template <class V>
  const V* find(const std::string& name, const char* expected, bool required = true);

  const Attributes& attributes_;
  std::set<std::string> taken_;
};

}  // namespace nnbind::operators
