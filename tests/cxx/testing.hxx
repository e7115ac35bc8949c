#ifndef AEPLUGIN_TESTING_HXX
#define AEPLUGIN_TESTING_HXX

#include <cmath>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

/// The little that the C++ tests need: named cases, comparisons that say where and what, one exit code.
namespace testing {

[[noreturn]] inline void Fail(const std::string &what, const char *file, int line)
{
   std::ostringstream message;
   message << file << ':' << line << ": " << what;
   throw std::runtime_error(message.str());
}

inline void IsTrue(bool condition, const std::string &what, const char *file = __builtin_FILE(),
                   int line = __builtin_LINE())
{
   if (!condition)
      Fail("not true: " + what, file, line);
}

template <typename A, typename B>
void AreEqual(const A &got, const B &expected, const std::string &what = "", const char *file = __builtin_FILE(),
              int line = __builtin_LINE())
{
   if (got == expected)
      return;
   std::ostringstream message;
   message << what << " got " << got << ", expected " << expected;
   Fail(message.str(), file, line);
}

inline void AreClose(double got, double expected, double tolerance, const std::string &what = "",
                     const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
   if (std::abs(got - expected) <= tolerance)
      return;
   std::ostringstream message;
   message.precision(9);
   message << what << " got " << got << ", expected " << expected << " +- " << tolerance;
   Fail(message.str(), file, line);
}

/// Runs `function`, which must throw an `Expected` whose message contains `part`.
template <typename Expected, typename Function>
void Throws(Function &&function, const std::string &part, const char *file = __builtin_FILE(),
            int line = __builtin_LINE())
{
   try {
      function();
   } catch (const Expected &error) {
      if (std::string(error.what()).find(part) == std::string::npos)
         Fail("the message '" + std::string(error.what()) + "' lacks '" + part + "'", file, line);
      return;
   } catch (const std::exception &error) {
      Fail("an exception of another type: " + std::string(error.what()), file, line);
   }
   Fail("nothing was thrown; expected a message with '" + part + "'", file, line);
}

/// Runs named cases and counts the failures.
class Suite {
public:
   template <typename Function>
   void Case(const std::string &name, Function &&function)
   {
      try {
         function();
         std::cout << "ok      " << name << std::endl;
      } catch (const std::exception &error) {
         ++fFailures;
         std::cout << "FAILED  " << name << "\n        " << error.what() << std::endl;
      }
   }

   int ExitCode() const { return fFailures == 0 ? 0 : 1; }

private:
   int fFailures = 0;
};

} // namespace testing

#endif
