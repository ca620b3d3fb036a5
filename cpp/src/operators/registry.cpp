// The operators that are built in, by kind.
#include <algorithm>
#include <map>

#include "nnbind/dense.hpp"
#include "nnbind/error.hpp"
#include "nnbind/model_file.hpp"
#include "nnbind/operators.hpp"
#include "operators/attributes.hpp"

namespace nnbind {

namespace {

using operators::AttributeReader;

template <class T>
OperatorPointer<T> read_dense(AttributeReader& from) {
  DenseOptions options;
  options.units = from.integer("units");
  options.activation = from.activation(from.text("activation"));
  if (from.has("init")) options.init = from.initializer();
  options.bias = from.flag("bias");
  options.l1 = from.real("l1");
  options.l2 = from.real("l2");
  options.dropout = from.real("dropout");
  return std::make_shared<Dense<T>>(std::move(options));
}

template <class T>
OperatorPointer<T> read_parameter(AttributeReader& from) {
  const Index rows = from.integer("rows");
  const Index cols = from.integer("cols");
  return parameter<T>(rows, cols, from.initializer());
}

template <class T>
OperatorPointer<T> read_slice(AttributeReader& from) {
  const Index first = from.integer("first");
  return slice<T>(first, from.integer("count"));
}

template <class T>
OperatorPointer<T> read_batch_norm(AttributeReader& from) {
  const double momentum = from.real("momentum");
  return batch_norm<T>({momentum, from.real("epsilon")});
}

template <class T>
OperatorPointer<T> read_constant(AttributeReader& from) {
  const AttributeArray array = from.array("values");
  const std::vector<T> values(array.values.begin(), array.values.end());
  return constant<T>({values.data(), array.rows, array.cols, array.cols});
}

template <class T>
using Factory = OperatorPointer<T> (*)(AttributeReader&);

template <class T>
const std::map<std::string, Factory<T>>& factories() {
  using From = AttributeReader;
  static const std::map<std::string, Factory<T>> table{
      {"add", [](From&) { return add<T>(); }},
      {"subtract", [](From&) { return subtract<T>(); }},
      {"multiply", [](From&) { return multiply<T>(); }},
      {"divide", [](From&) { return divide<T>(); }},
      {"power",
       [](From& from) {
         return from.has("exponent") ? power<T>(from.real("exponent")) : power<T>();
       }},
      {"negate", [](From&) { return negate<T>(); }},
      {"exp", [](From&) { return exp<T>(); }},
      {"log", [](From&) { return log<T>(); }},
      {"sum", [](From&) { return sum<T>(); }},
      {"mean", [](From&) { return mean<T>(); }},
      {"matmul", [](From&) { return matmul<T>(); }},
      {"concatenate", [](From&) { return concatenate<T>(); }},
      {"slice", &read_slice<T>},
      {"dropout", [](From& from) { return dropout<T>(from.real("rate")); }},
      {"dense", &read_dense<T>},
      {"batch_norm", &read_batch_norm<T>},
      {"layer_norm", [](From& from) { return layer_norm<T>({from.real("epsilon")}); }},
      {"parameter", &read_parameter<T>},
      {"constant", &read_constant<T>},
  };
  return table;
}

}  // namespace

template <class T>
OperatorPointer<T> make_operator(const std::string& kind, const Attributes& attributes) {
  AttributeReader from(attributes);
  const auto& table = factories<T>();
  OperatorPointer<T> op;
  if (const auto found = table.find(kind); found != table.end()) {
    op = found->second(from);
  } else if (std::ranges::count(Activation::names(), kind) > 0) {
    op = activation<T>(from.activation(kind));
  } else {
    throw OptionError("[" + kind + "] is no operator that is built in");
  }
  from.finish();
  return op;
}

template OperatorPointer<float> make_operator<float>(const std::string&, const Attributes&);
template OperatorPointer<double> make_operator<double>(const std::string&, const Attributes&);

}  // namespace nnbind
