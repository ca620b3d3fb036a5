// Networks in files and back: everything comes back, and nothing but a whole file is taken.
#include "nnbind/model_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "expect_message.hpp"
#include "nnbind/nnbind.hpp"

namespace nnbind {
namespace {

using test::expect_message;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// A network with every operator that is built in.
template <class T>
std::unique_ptr<Network<T>> everything() {
  Graph<T> graph;
  const auto x = input(graph, 4, "x");
  const auto w = parameter(graph, 4, 3, Initializer::normal(0.5, 0.1), "w");
  const auto own = parameter(graph, 1, 3, Initializer::array({0.1, 0.2, 1.0 / 3}, 1, 3), "own");
  const std::vector<T> numbers{T{1}, T(0.1), T{-3}};
  const auto c = constant(graph, {numbers.data(), 1, 3, 3}, "c");
  auto h = matmul(x, w) + own * c - 0.25;
  h = activate(h, {"elu", 0.7}, "g") / (exp(-pow(h, 2.0)) + 1.5) + pow(log(exp(h)), 1.0);
  h = pow(exp(h), tanh(h)) + mean(h) * sum(h);
  h = batch_norm(dropout(h, 0.25, "drop"), {0.2, 1e-4}, "norm");
  const auto shared = std::make_shared<Dense<T>>(DenseOptions{.units = 3,
                                                              .activation = {"leaky_relu", 0.3},
                                                              .init = Initializer::uniform(-1, 1),
                                                              .l2 = 0.1,
                                                              .dropout = 0.125});
  const auto first = graph.add(shared, {h.id}, "shared");
  const auto second = graph.add(shared, {first}, "again", first);
  const Expression<T> both{&graph, second};
  h = concatenate({layer_norm(both, {1e-3}, "rows"), columns(h, 1, 2)}, "beside");
  const auto out = dense(h, {.units = 2, .activation = "softmax", .bias = false, .l1 = 0.5});
  auto net = std::make_unique<Network<T>>(
      std::move(graph), std::vector<NodeId>{tanh(both).id, out.id}, 18446744073709551615U);
  net->epochs_trained = 3;
  net->steps_trained = 77;
  for (T& value : net->state()) value += T{0.5};
  return net;
}

template <class T>
std::vector<T> predicted(const Network<T>& net) {
  Matrix<T> x(5, 4), a(5, 3), b(5, 2);
  for (Index i = 0; i < 5; ++i) {
    for (Index j = 0; j < 4; ++j)
      x.view()(i, j) = static_cast<T>(0.1 * double(i) - 0.3 * double(j));
  }
  const std::vector<MatrixView<const T>> inputs{std::as_const(x).view()};
  const std::vector<MatrixView<T>> outputs{a.view(), b.view()};
  net.predict(inputs, outputs);
  std::vector<T> values;
  for (Index i = 0; i < 5; ++i) {
    values.insert(values.end(), a.view().row(i), a.view().row(i) + 3);
    values.insert(values.end(), b.view().row(i), b.view().row(i) + 2);
  }
  return values;
}

template <class T>
class ModelFile : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ModelFile, Types);

TYPED_TEST(ModelFile, BringsEverythingBack) {
  using T = TypeParam;
  const auto net = everything<T>();
  const std::string bytes = save_bytes(*net);
  const auto twin = load_network<T>(bytes_of(bytes));
  EXPECT_EQ(save_bytes(*twin), bytes);
  EXPECT_EQ(predicted(*twin), predicted(*net));
  EXPECT_EQ(twin->seed(), net->seed());
  EXPECT_EQ(twin->epochs_trained, 3U);
  EXPECT_EQ(twin->steps_trained, 77U);
  EXPECT_EQ(twin->summary(), net->summary());
  net->reset();
  twin->reset();
  EXPECT_TRUE(std::ranges::equal(twin->theta(), net->theta()));
  EXPECT_TRUE(std::ranges::equal(twin->state(), net->state()));
}

TYPED_TEST(ModelFile, MayHoldNaNButNoVarianceBelowZero) {
  using T = TypeParam;
  const auto net = everything<T>();
  net->theta()[0] = std::numeric_limits<T>::quiet_NaN();
  EXPECT_TRUE(std::isnan(load_network<T>(bytes_of(save_bytes(*net)))->theta()[0]));
  const std::string error = "tensor \"norm.running_variance\" has a variance below 0";
  const T variance = net->state()[5] = 123, below = -1;
  const auto raw = [](const T& number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof(T));
  };
  std::string bytes = save_bytes(*net);
  bytes.replace(bytes.find(raw(variance)), sizeof(T), raw(below));
  expect_message<FileError>(error, [&] { (void)load_network<T>(bytes_of(bytes)); });
  net->state()[5] = below;
  expect_message<OptionError>("[save] " + error, [&] { (void)save_bytes(*net); });
}

TYPED_TEST(ModelFile, TellsTheTypeOfItsNumbers) {
  using T = TypeParam;
  using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
  const std::string bytes = save_bytes(mlp<T>(2, {3}, 1));
  EXPECT_TRUE(
      std::holds_alternative<std::unique_ptr<Network<T>>>(load_any_network(bytes_of(bytes))));
  expect_message<FileError>("[load] dtype is float",
                            [&] { (void)load_network<Other>(bytes_of(bytes)); });
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("nnbind_files_" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string path(const char* name) const { return directory_ / name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  std::filesystem::path directory_;
};

TEST_F(Files, AreReplacedWhole) {
  save(mlp<float>(2, {3}, 1, "relu", "identity", 1), path("net"));
  const auto net = mlp<float>(2, {3}, 1, "relu", "identity", 2);
  save(net, path("net"));
  EXPECT_EQ(files(), 1U);
  EXPECT_TRUE(std::ranges::equal(load_network<float>(path("net"))->theta(), net.theta()));
}

TEST_F(Files, AreReachedThroughLinks) {
  const auto net = mlp<float>(2, {3}, 1);
  save(net, path("net"));
  std::filesystem::create_symlink("net", path("link"));
  save(net, path("link"));
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(files(), 2U);
}

TEST_F(Files, ThatCannotBeReadOrWrittenAreNamed) {
  const auto net = mlp<float>(2, {3}, 1);
  for (const std::string& where : {path("none/net"), directory_.string()}) {
    try {
      save(net, where);
      ADD_FAILURE() << where;
    } catch (const std::filesystem::filesystem_error& error) {
      EXPECT_EQ(error.path1(), where);
    }
  }
  EXPECT_EQ(files(), 0U);
  EXPECT_FALSE(std::filesystem::exists(directory_.string() + ".tmp"));
  EXPECT_THROW(load_network<float>(path("none")), std::filesystem::filesystem_error);
  EXPECT_THROW(load_network<float>(directory_.string()), std::filesystem::filesystem_error);
}

TEST_F(Files, ThatEndEarlyAreRefused) {
  const std::string bytes = save_bytes(mlp<float>(2, {3}, 1));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(load_network<float>(bytes_of(bytes.substr(0, size))), FileError) << size;
  }
  EXPECT_THROW(load_network<float>(bytes_of(bytes + " ")), FileError);
}

/// An operator of somebody's own.
class Foreign final : public Operator<float> {
 public:
  [[nodiscard]] std::string_view kind() const override { return "tanh"; }
  [[nodiscard]] Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  void forward(const ForwardPass<float>& /*pass*/) const override {}
  void backward(const BackwardPass<float>& /*pass*/) const override {}
};

TEST(ModelFileSave, RefusesOperatorsOfOnesOwn) {
  Graph<float> graph;
  const NodeId x = graph.input(2);
  const NodeId y = graph.add(std::make_shared<Foreign>(), {x}, "mine");
  const Network<float> net(std::move(graph), y);
  expect_message<OptionError>("\"mine\" is of the operator \"tanh\"", [&] { save_bytes(net); });
}

// ---- Files from strangers -----------------------------------------------------------------------

/// A file with this header, and so many bytes behind it.
std::string file_with(const std::string& header, std::size_t data = 0) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\0');
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"') result += '\\';
    result += c;
  }
  return result;
}

/// A file with these nodes and outputs, and with two tensors of a dense layer 2 -> 1.
std::string file_of(const std::string& nodes, const std::string& outputs = "[1]",
                    const std::string& first = R"({"dtype":"float32",)") {
  const std::string network = first + R"("seed":0,"epochs_trained":0,"steps_trained":0,"nodes":)" +
                              nodes + R"(,"outputs":)" + outputs + "}";
  return file_with(R"({"__metadata__":{"format":"nnbind","version":"1","network":")" +
                       escaped(network) +
                       R"("},"d.weights":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)" +
                       R"("d.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
                   12);
}

const std::string in = R"({"name":"x","op":"input","attributes":{"width":2}})";
std::string dense_with(const std::string& inputs, const std::string& more = "",
                       const std::string& units = "1") {
  return R"({"name":"d","op":"dense","inputs":)" + inputs + R"(,"attributes":{"units":)" + units +
         R"(,"activation":"tanh","bias":true,"l1":0.0,"l2":0,"dropout":0.0)" + more + "}}";
}

TEST(ModelFileHeader, IsTakenAsItShouldBe) {
  const auto net = load_network<float>(bytes_of(file_of("[" + in + "," + dense_with("[0]") + "]")));
  EXPECT_EQ(net->parameter_count(), 3);
}

struct Hostile {
  const char* name;
  std::string bytes;
  std::string message;
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

class HostileFile : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileFile, IsRefusedByName) {
  expect_message<FileError>(GetParam().message,
                            [&] { (void)load_any_network(bytes_of(GetParam().bytes)); });
}

std::string tensor(const std::string& entry, std::size_t data = 8) {
  return file_with(R"({"t":)" + entry + "}", data);
}

INSTANTIATE_TEST_SUITE_P(
    Containers, HostileFile,
    ::testing::Values(
        Hostile{"empty", "", "the file has 0 bytes"},
        Hostile{"gigabyte", std::string("\0\0\0\x40\0\0\0\0{}", 10),
                "the header claims 1073741824"},
        Hostile{"text", "# a text file\n", "it seems to be no safetensors file"},
        Hostile{"beyond", std::string("\x03\0\0\0\0\0\0\0{}", 10), "the header claims 3"},
        Hostile{"no_json", file_with("{\"t\":"), "the header is no JSON"},
        Hostile{"no_object", file_with("[]"), "the header is []; expected an object"},
        Hostile{"deep", file_with(std::string(100000, '[')), "nested deeper than 8 levels"},
        Hostile{"deep_objects", file_with(R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})"),
                "nested deeper than 8 levels"},
        Hostile{"twice", file_with(R"({"t":1,"t":2})"), "the header has the key \"t\" twice"},
        Hostile{"not_utf8", file_with("{\"\xff\":1}"), "the header is no JSON"},
        Hostile{"number", file_with(R"({"t":1e999})"), "the header is no JSON"},
        Hostile{"dtype", tensor(R"({"dtype":"F16","shape":[4],"data_offsets":[0,8]})"),
                "tensor \"t\".dtype is \"F16\"; expected F32 or F64"},
        Hostile{"no_dtype", tensor(R"({"shape":[4],"data_offsets":[0,8]})"),
                "tensor \"t\" has no \"dtype\""},
        Hostile{"overflow",
                tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
                "tensor \"t\".shape multiplies past 2^64"},
        Hostile{"negative", tensor(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
                "tensor \"t\".shape is -2; expected an integer >= 0"},
        Hostile{"backwards", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
                "tensor \"t\".data_offsets is [8,0]; expected begin <= end"},
        Hostile{"three", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,9]})"),
                "tensor \"t\".data_offsets is [0,8,9]; expected two numbers"},
        Hostile{"wrong_size", tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
                "its shape takes 12"},
        Hostile{"truncated", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7),
                "tensor \"t\".data_offsets goes beyond the end"},
        Hostile{
            "terabyte",
            tensor(R"({"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]})"),
            "tensor \"t\".data_offsets goes beyond the end"},
        Hostile{"behind", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 9),
                "1 bytes behind the last tensor"},
        Hostile{"gap", tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
                "tensor \"t\".data_offsets leaves a gap"},
        Hostile{"overlap",
                tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("u":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
                "tensor \"u\".data_offsets overlaps"},
        Hostile{"unknown_key", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"),
                "tensor \"t\" has an unknown key \"x\""},
        Hostile{"not_ours", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
                "__metadata__ has no \"format\""},
        Hostile{"metadata", file_with(R"({"__metadata__":{"format":1}})"),
                "__metadata__.format is 1; expected a string"},
        Hostile{"version", file_with(R"({"__metadata__":{"format":"nnbind","version":"99"}})"),
                "__metadata__.version is \"99\"; this nnbind reads versions 1 and 2"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Architectures, HostileFile,
    ::testing::Values(
        Hostile{"not_a_list", file_of("{}"), "nodes is {}; expected a list"},
        Hostile{"half", file_of("[", "[1]"), "__metadata__.network is no JSON"},
        Hostile{"dtype_name", file_of("[]", "[1]", R"({"dtype":"float16",)"),
                "dtype is \"float16\"; expected float32 or float64"},
        Hostile{"other_dtype",
                file_of("[" + in + "," + dense_with("[0]") + "]", "[1]", R"({"dtype":"float64",)"),
                "tensor \"d.weights\".dtype is \"F32\"; expected F64"},
        Hostile{"unknown_field", file_of("[]", "[1]", R"({"x":1,"dtype":"float32",)"),
                "the architecture has an unknown key \"x\""},
        Hostile{"unknown_operator",
                file_of("[" + in + R"(,{"name":"d","op":"conv","inputs":[0],"attributes":{}}])"),
                "nodes[1] \"d\": [conv] is no operator that is built in"},
        Hostile{"unknown_attribute", file_of("[" + in + "," + dense_with("[0]", ",\"x\":1") + "]"),
                "nodes[1] \"d\": [x] is no attribute of this operator"},
        Hostile{"missing_attribute",
                file_of("[" + in + R"(,{"name":"d","op":"dense","inputs":[0],"attributes":{}}])"),
                "nodes[1] \"d\": [units] is missing; expected an integer"},
        Hostile{"wrong_attribute", file_of("[" + in + "," + dense_with("[0]", "", "true") + "]"),
                "nodes[1] \"d\": [units] is of another type; expected an integer"},
        Hostile{"cycle", file_of("[" + in + "," + dense_with("[1]") + "]"),
                "nodes[1] \"d\".inputs is 1; expected the number of one of 1 nodes before it"},
        Hostile{"no_inputs", file_of("[" + in + "," + dense_with("[]") + "]"),
                "expected one input"},
        Hostile{"many_inputs",
                file_of("[" + in + "," + dense_with("[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]") + "]"),
                "nodes[1] \"d\".inputs"},
        Hostile{"terabytes", file_of("[" + in + "," + dense_with("[0]", "", "1000000000000") + "]"),
                "expected at most 2147483647 values a sample"},
        Hostile{"gigabytes", file_of("[" + in + "," + dense_with("[0]", "", "1000000000") + "]"),
                "takes the numbers of the network to 3000000000; the file has 3"},
        Hostile{"huge_number", file_of("[" + in + "," + dense_with("[0]", "", "1e400") + "]"),
                "__metadata__.network is no JSON"},
        Hostile{"huge_integer",
                file_of("[" + in + "," + dense_with("[0]", "", "18446744073709551615") + "]"),
                "nodes[1] \"d\".attributes.units is 18446744073709551615"},
        Hostile{"does_not_fit", file_of("[" + in + "," + dense_with("[0]", "", "0") + "]"),
                "units is 0; expected an integer >= 1"},
        Hostile{"other_width",
                file_of(R"([{"name":"x","op":"input","attributes":{"width":1}},)" +
                        dense_with("[0]") + "]"),
                "tensor \"d.weights\".shape is [2,1]; the architecture takes [1,1]"},
        Hostile{"no_weights",
                file_of("[" + in +
                        R"(,{"name":"t","op":"tanh","inputs":[0],)"
                        R"("attributes":{}}])"),
                "tensor \"d.bias\" belongs to no node"},
        Hostile{"same_name",
                file_of("[" + in +
                        R"(,{"name":"x","op":"tanh","inputs":[0],)"
                        R"("attributes":{}}])"),
                "two nodes are named \"x\""},
        Hostile{"shares_another",
                file_of("[" + in + R"(,{"name":"t","op":"tanh","inputs":[0],"shares":0}])"),
                "nodes[1] \"t\" shares the parameters of \"x\""},
        Hostile{"no_tensor",
                file_of("[" + in +
                        R"(,{"name":"c","op":"constant","inputs":[],"attributes":{},)"
                        R"("arrays":["values"]}])"),
                "there is no tensor \"c.values\""},
        Hostile{"output_input", file_of("[" + in + "," + dense_with("[0]") + "]", "[0]"),
                "the output \"x\" is an input"},
        Hostile{"output_beyond", file_of("[" + in + "," + dense_with("[0]") + "]", "[2]"),
                "outputs is 2; expected the number of one of 2 nodes"},
        Hostile{"no_output", file_of("[" + in + "," + dense_with("[0]") + "]", "[]"),
                "has no output"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace nnbind
