#include "nnbind/model_file.hpp"

#include "model/architecture.hpp"
#include "model/byte_sources.hpp"
#include "model/training.hpp"
#include "nnbind/error.hpp"

namespace nnbind {

namespace {

using namespace model;

// Version 1 has a network, version 2 also its training. A later version is written only where an
// older reader would go wrong.
constexpr const char* network_version = "1";
constexpr const char* training_version = "2";

/// The header and the tensors' data, to be written one after the other.
template <class T, class F>
void with_pieces(const Network<T>& network, const Training<T>* training, F f) {
  try {
    Description description = describe(network);
    Metadata metadata{{"format", "nnbind"}, {"network", description.architecture}};
    metadata["version"] = training == nullptr ? network_version : training_version;
    if (training != nullptr) {
      describe_training(network, *training, description);
      metadata["training"] = description.training;
    }
    const std::string header = write_header(metadata, description.tensors);
    std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(header))};
    for (const TensorView& tensor : description.tensors) pieces.push_back(tensor.data);
    f(pieces);
  } catch (const Json::exception& error) {
    throw OptionError(std::string("[save] a name is no UTF-8 text: ") + error.what());
  }
}

template <class T>
std::string bytes_of(const Network<T>& network, const Training<T>* training) {
  std::string bytes;
  with_pieces(network, training, [&](const auto& pieces) {
    std::size_t size = 0;
    for (const auto piece : pieces) size += piece.size();
    bytes.reserve(size);
    for (const auto piece : pieces) {
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
  });
  return bytes;
}

const std::string& metadata(const Header& header, const std::string& key) {
  const auto found = header.metadata.find(key);
  require_file(found != header.metadata.end(), "__metadata__ has no " + nnbind::in_quotes(key) +
                                                   "; expected a file that nnbind has saved");
  return found->second;
}

Document read_architecture(const Header& header) {
  require_file(metadata(header, "format") == "nnbind",
               "__metadata__.format is " + nnbind::in_quotes(metadata(header, "format")) +
                   "; expected \"nnbind\"");
  const std::string& version = metadata(header, "version");
  require_file(version == network_version || version == training_version,
               "__metadata__.version is " + nnbind::in_quotes(version) +
                   "; this nnbind reads versions " + network_version + " and " + training_version);
  return parse_json(metadata(header, "network"), "__metadata__.network");
}

template <class T>
std::unique_ptr<Network<T>> read_network(const ByteSource& source, const Header& header,
                                         const Json& architecture, Training<T>* training) {
  TensorReader tensors(source, header.tensors);
  auto network = build<T>(architecture, tensors);
  for (const Place<T>& place : places(*network)) {
    tensors.fill(place);
    check_variances(place);
  }
  Training<T> read;  // the caller's stays as it is unless all is well
  if (training != nullptr) {
    require_file(header.metadata.contains("training"),
                 "the file has a network and no training; expected one saved with it");
    read = read_training(parse_json(metadata(header, "training"), "__metadata__.training"),
                         *network, tensors);
  } else if (metadata(header, "version") == training_version) {
    skip_training(tensors);
  }
  tensors.finish();
  if (training != nullptr) *training = std::move(read);
  return network;
}

template <class T>
std::unique_ptr<Network<T>> read_typed(const ByteSource& source, Training<T>* training = nullptr) {
  const Header header = Header::read(source);
  const Document architecture = read_architecture(header);
  const std::string dtype = dtype_of(architecture);
  const std::string expected = std::is_same_v<T, float> ? "float32" : "float64";
  require_file(dtype == expected, "dtype is " + dtype + "; expected " + expected);
  return read_network<T>(source, header, architecture, training);
}

template <class T>
AnyNetwork read_any_as(const ByteSource& source, const Header& header, const Json& architecture,
                       AnyTraining* training) {
  Training<T> typed;
  auto network =
      read_network<T>(source, header, architecture, training == nullptr ? nullptr : &typed);
  if (training != nullptr) *training = std::move(typed);
  return network;
}

AnyNetwork read_any(const ByteSource& source, AnyTraining* training = nullptr) {
  const Header header = Header::read(source);
  const Document architecture = read_architecture(header);
  return dtype_of(architecture) == "float32"
             ? read_any_as<float>(source, header, architecture, training)
             : read_any_as<double>(source, header, architecture, training);
}

/// The words with U+FFFD in the place of each byte that is not UTF-8, as those of a damaged file
/// that an error quotes.
std::string printable(const std::string& words) {
  const Json text(words);
  return Json::parse(text.dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

/// An error's words, cut short: they may quote a name as long as the file.
std::string brief(std::string words) {
  constexpr std::size_t longest = 2000;
  if (words.size() <= longest) return words;
  std::size_t end = longest;
  while (end > 0 && (words[end] & 0xC0) == 0x80) --end;  // not within a letter of several bytes
  words.resize(end);
  return words + "...";
}

/// f(), with the entry point and `where` before the words of its errors.
template <class F>
auto told(const std::string& entry, const std::string& where, F f) {
  try {
    return f();
  } catch (const std::invalid_argument& error) {
    throw FileError("[" + entry + "] " + printable(where + brief(error.what())));
  }
}

}  // namespace

template <class T>
void save(const Network<T>& network, const std::string& path) {
  with_pieces<T>(network, nullptr, [&](const auto& pieces) { write_atomically(path, pieces); });
}

template <class T>
void save(const Network<T>& network, const Training<T>& training, const std::string& path) {
  with_pieces<T>(network, &training, [&](const auto& pieces) { write_atomically(path, pieces); });
}

template <class T>
std::string save_bytes(const Network<T>& network) {
  return bytes_of<T>(network, nullptr);
}

template <class T>
std::string save_bytes(const Network<T>& network, const Training<T>& training) {
  return bytes_of<T>(network, &training);
}

template <class T>
std::unique_ptr<Network<T>> load_network(const std::string& path) {
  return told("load", path + ": ", [&] { return read_typed<T>(FileSource(path)); });
}

template <class T>
std::unique_ptr<Network<T>> load_network(std::span<const std::byte> bytes) {
  return told("load", "", [&] { return read_typed<T>(MemorySource(bytes)); });
}

template <class T>
std::unique_ptr<Network<T>> load_network(const std::string& path, Training<T>& training) {
  return told("load", path + ": ", [&] { return read_typed<T>(FileSource(path), &training); });
}

template <class T>
std::unique_ptr<Network<T>> load_network(std::span<const std::byte> bytes, Training<T>& training) {
  return told("load", "", [&] { return read_typed<T>(MemorySource(bytes), &training); });
}

AnyNetwork load_any_network(const std::string& path, AnyTraining& training,
                            const std::string& where) {
  return told(where, path + ": ", [&] { return read_any(FileSource(path), &training); });
}

AnyNetwork load_any_network(std::span<const std::byte> bytes, AnyTraining& training) {
  return told("load", "", [&] { return read_any(MemorySource(bytes), &training); });
}

AnyNetwork load_any_network(const std::string& path) {
  return told("load", path + ": ", [&] { return read_any(FileSource(path)); });
}

AnyNetwork load_any_network(std::span<const std::byte> bytes) {
  return told("load", "", [&] { return read_any(MemorySource(bytes)); });
}

#define NNBIND_INSTANTIATE(T)                                                                     \
  template void save<T>(const Network<T>&, const std::string&);                                   \
  template void save<T>(const Network<T>&, const Training<T>&, const std::string&);               \
  template std::unique_ptr<Network<T>> load_network<T>(const std::string&, Training<T>&);         \
  template std::unique_ptr<Network<T>> load_network<T>(std::span<const std::byte>, Training<T>&); \
  template std::string save_bytes<T>(const Network<T>&);                                          \
  template std::string save_bytes<T>(const Network<T>&, const Training<T>&);                      \
  template std::unique_ptr<Network<T>> load_network<T>(const std::string&);                       \
  template std::unique_ptr<Network<T>> load_network<T>(std::span<const std::byte>);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
