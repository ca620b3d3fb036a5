// Networks in files: one safetensors file (https://github.com/huggingface/safetensors) holds the
// architecture, as JSON in its metadata, and every number under a readable name.
//
// | tensor                                             | shape                            |
// |----------------------------------------------------|----------------------------------|
// | NODE.weights, NODE.bias                            | (inputs × units), (units)        |
// | NODE.gamma, NODE.beta                              | (w), (w)                         |
// | NODE.running_mean, NODE.running_variance           | (w), (w)                         |
// | NODE.values of a parameter or a constant           | (rows × cols)                    |
// | NODE.init_values, what an array initializes        | (rows × cols)                    |
//
// Numbers of θ and of the state are of the network's type, constants and initial values are float64
// (F64). A file holds no code: loading reads numbers and names of operators that are built in. A
// training is in tensors beside these: history.*, optimizer.*, schedule.state and fit.*.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "nnbind/network.hpp"
#include "nnbind/training.hpp"

namespace nnbind {

/// Writes the network: architecture, θ, state, seed, epochs and steps trained. It is written beside
/// and renamed, synced to the disk: whatever happens, `path` holds the old file or the new one,
/// whole. Nobody may train the network meanwhile. Throws OptionError that names the node if one is
/// of an operator without attributes(), and std::filesystem::filesystem_error if it cannot be
/// written; then nothing is left behind.
template <class T>
void save(const Network<T>& network, const std::string& path);

/// Also its fit (format version 2), from which `load_network` and `fit` go on bit for bit. Throws
/// also what check_whole throws, and OptionError that names the loss, schedule or optimizer that is
/// not built in.
template <class T>
void save(const Network<T>& network, const Training<T>& training, const std::string& path);

/// The same as bytes.
template <class T>
std::string save_bytes(const Network<T>& network);
template <class T>
std::string save_bytes(const Network<T>& network, const Training<T>& training);

/// The network in a file, which may come from a stranger: everything is checked before memory is
/// asked for, and no more of it than a small multiple of the file. NaN and infinite weights are
/// allowed. Throws FileError that names the field if the file is damaged, of a later version, or of
/// another T, and std::filesystem::filesystem_error if it cannot be read.
template <class T>
std::unique_ptr<Network<T>> load_network(const std::string& path);

/// Also the fit that is in it, whose optimizer belongs to the network. Throws FileError too if
/// there is none.
template <class T>
std::unique_ptr<Network<T>> load_network(const std::string& path, Training<T>& training);

/// The same from bytes.
template <class T>
std::unique_ptr<Network<T>> load_network(std::span<const std::byte> bytes);
template <class T>
std::unique_ptr<Network<T>> load_network(std::span<const std::byte> bytes, Training<T>& training);

/// A network of the type that its file says.
using AnyNetwork = std::variant<std::unique_ptr<Network<float>>, std::unique_ptr<Network<double>>>;

/// Likewise, of either type.
AnyNetwork load_any_network(const std::string& path);
AnyNetwork load_any_network(std::span<const std::byte> bytes);

using AnyTraining = std::variant<Training<float>, Training<double>>;
/// Its FileError begins with "[where] ".
AnyNetwork load_any_network(const std::string& path, AnyTraining& training,
                            const std::string& where = "load");
AnyNetwork load_any_network(std::span<const std::byte> bytes, AnyTraining& training);

/// The operator of a kind and its attributes(): of any that is built in but "input". Throws
/// OptionError or ShapeError if there is none such.
template <class T>
OperatorPointer<T> make_operator(const std::string& kind, const Attributes& attributes);

}  // namespace nnbind
