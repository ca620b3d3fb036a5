// A trained network inside another program: `predict FILE < SAMPLES` writes a line of outputs for
// each line of inputs.
#include <iomanip>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "nnbind/nnbind.hpp"

using namespace nnbind;

template <class T>
std::vector<T> numbers_in(const std::string& line) {
  std::istringstream words(line);
  std::vector<T> numbers;
  for (T number; words >> number;) numbers.push_back(number);
  return numbers;
}

template <class T>
void predict_lines(const Network<T>& network) {
  std::vector<T> y(static_cast<std::size_t>(network.outputs()));
  std::cout << std::setprecision(std::numeric_limits<T>::max_digits10);
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<T> x = numbers_in<T>(line);
    const auto width = static_cast<Index>(x.size());
    network.predict({x.data(), 1, width, width},
                    {y.data(), 1, network.outputs(), network.outputs()});
    for (const T value : y) std::cout << value << ' ';
    std::cout << '\n';
  }
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: predict FILE < SAMPLES\n";
    return 2;
  }
  try {
    const AnyNetwork network = load_any_network(std::string(argv[1]));
    std::visit([](const auto& net) { predict_lines(*net); }, network);
  } catch (const std::exception& error) {  // as of a file that is damaged
    std::cerr << error.what() << '\n';
    return 1;
  }
}
