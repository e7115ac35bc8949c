#ifndef AEPLUGIN_ROOT_VECTOR_DICTIONARIES_HXX
#define AEPLUGIN_ROOT_VECTOR_DICTIONARIES_HXX

namespace aeplugin::rdf {

/// Tells ROOT how to handle std::vectors of vectors, up to three levels, for which it has no dictionary: without one
/// it reads them from TTrees but does not write them. To be called before TTrees are opened; does its work once.
void AddVectorDictionaries();

} // namespace aeplugin::rdf

#endif
