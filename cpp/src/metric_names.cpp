#include "metric_names.hpp"

#include <algorithm>

#include "nnbind/error.hpp"

namespace nnbind {

namespace {

/// The same for `names`, of which each output has so many.
void check_names(const std::vector<std::string>& names, std::size_t each, bool validated,
                 const std::string& where) {
  const auto output = [&](std::size_t i) {  // the first of its names is "NAME_loss"
    const std::string& first = names[i / each * each];
    return in_quotes(first.substr(0, first.rfind('_')));
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < names.size(); ++j) {
      const bool same = names[i] == names[j] || (validated && names[i] == "val_" + names[j]);
      if (!same || i / each == j / each) continue;
      throw OptionError("[" + where + "] metrics of the outputs " + output(std::min(i, j)) +
                        " and " + output(std::max(i, j)) + " would both be " + in_quotes(names[i]) +
                        "; give one of them another name");
    }
  }
}

}  // namespace

template <class T>
std::vector<std::string> metric_names(const Network<T>& network,
                                      const std::vector<Metric>& metrics) {
  std::vector<std::string> names;
  const bool several = network.output_ids().size() > 1;
  for (const NodeId id : network.output_ids()) {
    const std::string prefix = several ? network.graph().node(id).name + "_" : "";
    if (several) names.push_back(prefix + "loss");
    for (const Metric metric : metrics) names.push_back(prefix + std::string(metric_name(metric)));
  }
  return names;
}

template <class T>
void check_metric_names(const Network<T>& network, const std::vector<Metric>& metrics,
                        bool validated, const std::string& where) {
  if (network.output_ids().size() == 1) return;
  check_names(metric_names(network, metrics), 1 + metrics.size(), validated, where);
}

#define NNBIND_INSTANTIATE(T)                                                              \
  template std::vector<std::string> metric_names<T>(const Network<T>&,                     \
                                                    const std::vector<Metric>&);           \
  template void check_metric_names<T>(const Network<T>&, const std::vector<Metric>&, bool, \
                                      const std::string&);
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
