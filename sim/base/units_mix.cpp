// Input of two CTest cases that only compile it: as it stands it must compile, and with
// WBSIM_MIX_UNITS it must fail for the one reason that bytes and sectors do not add up.
#include "sim/base/units.hpp"

namespace wbsim {

#ifdef WBSIM_MIX_UNITS
Bytes total(Bytes bytes, Sectors sectors) { return bytes + sectors; }
#else
Bytes total(Bytes bytes, Sectors sectors) { return bytes + to_bytes(sectors); }
#endif

}  // namespace wbsim
