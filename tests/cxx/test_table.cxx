#include "testing.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/table.hxx>

#include <set>

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

using Names = std::vector<std::string>;

struct Expected {
   const char *fGiven;
   const char *fCanonical;
   ColumnType fType;
   Shape fShape;
   std::size_t fDepth;
};

void TestTypes()
{
   const Expected kTypes[] = {{"float", "float", ColumnType::kFloat32, Shape::kValue, 0},
                              {"Float16_t", "float", ColumnType::kFloat32, Shape::kValue, 0},
                              {"Double32_t", "double", ColumnType::kFloat64, Shape::kValue, 0},
                              {"Bool_t", "bool", ColumnType::kBool, Shape::kValue, 0},
                              {"char", "std::int8_t", ColumnType::kInt8, Shape::kValue, 0},
                              {"unsigned char", "std::uint8_t", ColumnType::kUInt8, Shape::kValue, 0},
                              {"unsigned", "std::uint32_t", ColumnType::kUInt32, Shape::kValue, 0},
                              {" unsigned  long long ", "std::uint64_t", ColumnType::kUInt64, Shape::kValue, 0},
                              {"ULong64_t", "std::uint64_t", ColumnType::kUInt64, Shape::kValue, 0},
                              {"string", "std::string", ColumnType::kString, Shape::kValue, 0},
                              {"vector<float>", "std::vector<float>", ColumnType::kFloat32, Shape::kVector, 1},
                              {"std::vector< std::vector< int > >", "std::vector<std::vector<std::int32_t>>",
                               ColumnType::kInt32, Shape::kVector, 2},
                              {"vector<vector<vector<string>>>", "std::vector<std::vector<std::vector<std::string>>>",
                               ColumnType::kString, Shape::kVector, 3},
                              {"RVec<double>", "ROOT::VecOps::RVec<double>", ColumnType::kFloat64, Shape::kRVec, 1},
                              {"ROOT::RVec<ROOT::VecOps::RVec<bool>>", "ROOT::VecOps::RVec<ROOT::VecOps::RVec<bool>>",
                               ColumnType::kBool, Shape::kRVec, 2},
                              {"array<float, 3>", "std::array<float,3>", ColumnType::kFloat32, Shape::kArray, 1},
                              {"short[12]", "std::array<std::int16_t,12>", ColumnType::kInt16, Shape::kArray, 1},
                              {"Float_t[nJet]", "float[nJet]", ColumnType::kFloat32, Shape::kCountedArray, 1}};
   for (const Expected &expected : kTypes) {
      const std::string given = expected.fGiven;
      const auto column = TableColumn::Make("x", given);
      AreEqual(column.fName, "x");
      AreEqual(column.fTypeName, expected.fCanonical, given);
      IsTrue(column.fType == expected.fType && column.fShape == expected.fShape, given);
      AreEqual(column.fDepth, expected.fDepth, given);
      // What a file says is understood as what it was.
      const auto again = TableColumn::Make("x", column.fTypeName);
      AreEqual(again.fTypeName, column.fTypeName, "again");
      IsTrue(again.fType == column.fType && again.fShape == column.fShape && again.fDepth == column.fDepth, "again");
   }
   AreEqual(TableColumn::Make("x", "std::array<float,1000000>").fArraySize, 1000000u);
   AreEqual(TableColumn::Make("x", "float[7]").fArraySize, 7u);
   AreEqual(TableColumn::Make("x", "float[nJet]").fCounter, "nJet");
}

void TestOtherTypes()
{
   for (const char *type : {"",
                            " ",
                            "TLorentzVector",
                            "long double",
                            "float*",
                            "std::vector<>",
                            "std::vector<float",
                            "vector<float>>",
                            "vector<vector<vector<vector<float>>>>",
                            "std::vector<RVec<float>>",
                            "RVec<vector<float>>",
                            "map<int,int>",
                            "std::array<float>",
                            "std::array<float,0>",
                            "std::array<float,-1>",
                            "std::array<float,1000001>",
                            "std::array<float,99999999999999999999999>",
                            "std::array<std::array<float,2>,2>",
                            "vector<array<float,2>>",
                            "float[]",
                            "float[3][4]",
                            "[3]",
                            "[",
                            "]",
                            "float]",
                            ">",
                            "vector<",
                            "std::vector<float>[3]",
                            "array<,3>"}) {
      IsTrue(!TableColumn::TryMake("x", type), type);
      Throws<InputError>([&] { TableColumn::Make("jet", type); },
                         std::string("column 'jet' is of type ") + type + "; expected numbers, booleans or strings");
   }
}

void TestEveryType()
{
   for (int code = 0; code <= static_cast<int>(ColumnType::kString); ++code) {
      const auto type = static_cast<ColumnType>(code);
      IsTrue(TableColumn::Make("x", ValueTypeName(type)).fType == type, ValueTypeName(type));
      const auto values = MakeColumnValues(type);
      IsTrue(std::visit([](const auto &list) { return list.empty(); }, values), "no values");
      const bool same = VisitColumnType(
         type, [&](auto value) { return std::holds_alternative<std::vector<decltype(value)>>(values); });
      IsTrue(same, "alternative of " + ValueTypeName(type));
   }
}

void TestFieldNames()
{
   IsTrue(FieldNames({"a", "b"}) == Names{"a", "b"}, "possible names stay");
   IsTrue(FieldNames({"a.b", "c/d", "e\\f", "g\nh"}) == Names{"a_b", "c_d", "e_f", "g_h"}, "forbidden characters");
   IsTrue(FieldNames({"a.b", "a_b", "a/b"}) == Names{"a_b_", "a_b", "a_b__"}, "possible names go first");
   IsTrue(FieldNames({"events", "special"}, {"events"}) == Names{"events_", "special"}, "names that are taken");
   IsTrue(FieldNames({}).empty(), "none");
   Names many(100, "x.y");
   const auto names = FieldNames(many, {"x_y"});
   AreEqual(std::set<std::string>(names.begin(), names.end()).size(), 100u, "each once");
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("types", TestTypes);
   suite.Case("other types", TestOtherTypes);
   suite.Case("every type", TestEveryType);
   suite.Case("names of fields", TestFieldNames);
   return suite.ExitCode();
}
