#ifndef AEPLUGIN_POOL_HXX
#define AEPLUGIN_POOL_HXX

#include <memory>
#include <mutex>
#include <vector>

namespace aeplugin {

/// Things that are worth using again, for threads that need one each for a while: as many as were in use at once.
template <typename T>
class Pool {
public:
   /// One that no other thread has.
   /// \param make gives a new one, as a std::unique_ptr, where there is none left
   template <typename Make>
   std::unique_ptr<T> Take(Make &&make)
   {
      {
         const std::lock_guard lock(fMutex);
         if (!fLeft.empty()) {
            auto taken = std::move(fLeft.back());
            fLeft.pop_back();
            return taken;
         }
      }
      return make();
   }

   /// To be called with what is fit to be used again: after an exception it may not be.
   void Return(std::unique_ptr<T> taken)
   {
      const std::lock_guard lock(fMutex);
      fLeft.push_back(std::move(taken));
   }

private:
   std::mutex fMutex;
   std::vector<std::unique_ptr<T>> fLeft;
};

} // namespace aeplugin

#endif
