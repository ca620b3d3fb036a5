// The extension module: registration only.
#include "bindings.hpp"

PYBIND11_MODULE(NNBIND_MODULE_NAME, module) {
  module.doc() = "The C++ core of nnbind.";
  using namespace nnbind::bindings;
  register_errors(module);
  register_config(module);
  register_options(module);
  register_losses(module);
  register_optimizers(module);
  register_operators(module);
  register_custom(module);
  register_history(module);
  register_layers(module);
  register_network(module);
  register_fit_many(module);
  refuse_uninitialized_objects(module);
}
