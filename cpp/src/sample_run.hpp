// Samples through a network, forward and backward, each by itself: the frame of the derivatives
// that have a row for each sample.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "nnbind/dataset.hpp"
#include "team.hpp"
#include "workspace.hpp"

namespace nnbind {

/// Writes the gradients of the outputs that the losses of samples have.
template <class T>
class LossGradients {
 public:
  /// Of the reduced loss, or of w_i d(y_i, f_i) as it is. For up to `capacity` rows at a time.
  LossGradients(const Network<T>& network, const Dataset<T>& data, const Losses& losses,
                bool reduced, Index capacity);
  /// Rows of the workspace, which hold the samples rows + first.
  void write(Workspace<T>& workspace, Range rows, Index first);

 private:
  struct Output {
    Targets<T> targets;
    LossPointer loss;
    T scale;
    bool pre_activation;
    std::vector<const T*> target_rows;
    AlignedVector<T> losses;
  };
  const T* weights_;
  std::vector<Output> outputs_;
};

/// A run over all samples, piece by piece, so that the activations stay in the cache however many
/// samples there are. The members of a team share out the rows of a piece.
template <class T>
class SampleRun {
 public:
  using Inputs = std::span<const MatrixView<const T>>;

  /// Samples [first, first + count), each `copies` times. In the workspace the samples follow each
  /// other, and then their copies; in results, the copies of a sample follow each other.
  struct Piece {
    Index first;
    Index count;
    Index copies;
    [[nodiscard]] Index rows() const { return count * copies; }
    /// The row of a result that belongs to the piece's result q, and the workspace's.
    [[nodiscard]] Index result_row(Index q) const { return first * copies + q; }
    [[nodiscard]] Index row(Index q) const { return q % copies * count + q / copies; }
  };

  /// `copies` rows go backward for each sample. `alone`: on the calling thread.
  SampleRun(const Network<T>& network, Inputs inputs, Layout layout, Index copies, bool alone);

  [[nodiscard]] Index capacity() const { return workspace_.capacity(); }
  [[nodiscard]] Workspace<T>& workspace() { return workspace_; }

  /// For each piece: forward; `seed` writes the gradients of the outputs for some rows; backward;
  /// `take` makes something of this member's results, member.share(piece.rows()).
  void run(const std::function<void(Range rows, const Piece& piece)>& seed,
           const std::function<void(const Member& member, const Piece& piece)>& take);

 private:
  static int members(const Network<T>& network, Index samples, const Layout& layout, Index copies,
                     bool alone);
  static Index piece_samples(Index samples, Index copies, int members);
  void run_piece(const Member& member, const Piece& piece,
                 const std::function<void(Range, const Piece&)>& seed);

  const Network<T>* network_;
  Inputs inputs_;
  Index copies_;
  int members_;
  Index piece_samples_;
  Workspace<T> workspace_;
};

}  // namespace nnbind
