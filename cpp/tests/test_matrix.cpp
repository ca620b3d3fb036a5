// Matrices: what a copy, a move and a view have of their own, and which sizes there are not.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <new>
#include <utility>

#include "data.hpp"
#include "expect_message.hpp"
#include "nnbind/error.hpp"
#include "nnbind/matrix.hpp"

namespace nnbind::test {
namespace {

/// Whether the rows in its list are its own.
bool lists_its_rows(const Matrix<float>& matrix) {
  const MatrixView<const float> view = matrix.view();
  if (matrix.rows().count != view.rows) return false;
  for (Index i = 0; i < view.rows; ++i) {
    if (matrix.rows().row[i] != view.row(i)) return false;
  }
  return true;
}

TEST(Matrix, OfACopyListsItsOwnRows) {
  Random random(1);
  const Matrix<float> first = random_matrix<float>(3, 5, random);
  std::array<Matrix<float>, 2> copies{first, Matrix<float>(1, 1)};
  copies[1] = first;
  for (const Matrix<float>& copy : copies) {
    EXPECT_TRUE(equal(first.view(), copy.view()));
    EXPECT_NE(copy.view().data, first.view().data);
    EXPECT_TRUE(lists_its_rows(copy));
  }
}

TEST(Matrix, MovedFromIsEmpty) {
  Random random(1);
  Matrix<float> first = random_matrix<float>(3, 5, random);
  const Matrix<float> copy = first;
  Matrix<float> moved = std::move(first);
  Matrix<float> assigned(7, 2);
  assigned = std::move(moved);
  // NOLINTNEXTLINE(bugprone-use-after-move): it is what is tested.
  for (const Matrix<float>* left : {&first, &moved}) {
    EXPECT_EQ(left->view().rows, 0);
    EXPECT_EQ(left->view().cols, 0);
    EXPECT_TRUE(lists_its_rows(*left));
  }
  EXPECT_TRUE(equal(copy.view(), std::as_const(assigned).view()));
  EXPECT_TRUE(lists_its_rows(assigned));
  first = copy;
  EXPECT_TRUE(equal(copy.view(), std::as_const(first).view()));
}

TEST(Matrix, OfNoSizeThatThereIsIsRefused) {
  const auto make = [](Index rows, Index cols) { (void)Matrix<float>(rows, cols); };
  expect_message<ShapeError>("[Matrix] has shape (3, -1); expected no number below 0",
                             [&] { make(3, -1); });
  expect_message<ShapeError>("[Matrix] has shape (-1, 3)", [&] { make(-1, 3); });
  constexpr Index most = std::numeric_limits<Index>::max();
  using Size = std::pair<Index, Index>;
  for (const auto& [rows, cols] :
       {Size{Index{1} << 20, Index{1} << 44}, {1, most}, {most, 1}, {most, 0}, {most, most}}) {
    EXPECT_THROW(make(rows, cols), std::bad_alloc) << rows << " " << cols;
    EXPECT_THROW((void)PackedMatrix<double>(rows, cols), std::bad_alloc) << rows << " " << cols;
  }
  EXPECT_NO_THROW(make(0, 5));
  EXPECT_NO_THROW(make(5, 0));
}

TEST(MatrixView, HasRowsBehindEachOtherWhereNothingElseIsSaid) {
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  const MatrixView<const float> view{values.data(), 2, 3};
  EXPECT_EQ(view.stride, 3);
  EXPECT_EQ(view(1, 0), 4);
}

}  // namespace
}  // namespace nnbind::test
