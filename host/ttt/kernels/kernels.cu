// All kernels, as one text: what the compiler makes of it is kernels.ptx.
#include "adam.cu"
#include "automaton.cu"
#include "plain.cu"
