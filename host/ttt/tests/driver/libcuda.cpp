// A driver that has no device: launches run on the emulator. What it is to say of itself comes from the environment:
// STAND_IN_VERSION, _DEVICES, _MAJOR, _BYTES, _INIT (an error), _LOST (an error of replays).
//
// It has the calls that the launch layer makes and no other, and refuses what a driver refuses: copies and waits while
// launches are recorded, more memory than there is, a block of another size.
#include "emulator.cpp"

#include <map>
#include <mutex>
#include <stdio.h>
#include <vector>

namespace {

enum { INVALID = 1, OUT_OF_MEMORY = 2, INVALID_PTX = 218, NOT_FOUND = 500, LAUNCH_FAILED = 719, UNSUPPORTED = 900 };

u64 said(const char *name, u64 otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, nullptr, 10) : otherwise;
}

struct Launch {
    const char *kernel;
    u32 blocks;
    float *floats;
    const u64 *words;
    u64 table, jobs;
};

typedef std::vector<Launch> Graph;

struct Stream {
    Graph *recorded;
};

std::mutex one;
std::map<u64, size_t> taken;
size_t used;
thread_local void *context;

int run(const Launch &x) {
    std::lock_guard<std::mutex> alone(one);
    return emulate(x.kernel, x.blocks, x.floats, x.words, x.table, x.jobs) ? LAUNCH_FAILED : 0;
}

} // namespace

extern "C" {
int cuInit(u32) { return (int)said("STAND_IN_INIT", 0); }
int cuDriverGetVersion(int *version) { return *version = (int)said("STAND_IN_VERSION", 13000), 0; }
int cuDeviceGetCount(int *count) { return *count = (int)said("STAND_IN_DEVICES", 1), 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int length, int) { return snprintf(name, (size_t)length, "stand-in"), 0; }

int cuDeviceGetAttribute(int *value, int attribute, int) {
    const int MAJOR = 75, MINOR = 76;
    *value = attribute == MAJOR ? (int)said("STAND_IN_MAJOR", 9) : attribute == MINOR ? 0 : 1;
    return 0;
}

int cuDevicePrimaryCtxRetain(void **to, int) { return *to = &used, 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxSetCurrent(void *to) { return context = to, 0; }
int cuCtxGetCurrent(void **to) { return *to = context, 0; }

int cuGetErrorString(int error, const char **text) {
    static thread_local char written[32];
    snprintf(written, sizeof written, "error %d", error);
    return *text = written, 0;
}

int cuMemGetInfo_v2(size_t *free, size_t *total) {
    *total = said("STAND_IN_BYTES", 8ull << 30);
    return *free = *total - used, 0;
}

int cuMemAlloc_v2(u64 *at, size_t bytes) {
    std::lock_guard<std::mutex> alone(one);
    if (used + bytes > said("STAND_IN_BYTES", 8ull << 30)) return OUT_OF_MEMORY;
    *at = (u64)malloc(bytes);
    memset((void *)*at, 0xff, bytes);
    used += taken[*at] = bytes;
    return 0;
}

int cuMemFree_v2(u64 at) {
    std::lock_guard<std::mutex> alone(one);
    if (!taken.count(at)) return INVALID;
    used -= taken[at];
    taken.erase(at);
    free((void *)at);
    return 0;
}

int cuModuleLoadData(void **module, const void *image) {
    return *module = &used, strstr((const char *)image, ".target sm_80") ? 0 : INVALID_PTX;
}
int cuModuleUnload(void *) { return 0; }

int cuModuleGetFunction(void **function, void *, const char *name) {
    for (const Entry *entry = Entry::first; entry; entry = entry->next)
        if (!strcmp(entry->name, name)) return *function = (void *)entry->name, 0;
    return NOT_FOUND;
}
int cuFuncLoad(void *) { return 0; }

int cuStreamCreate(void **stream, u32) { return *stream = new Stream(), 0; }
int cuStreamDestroy_v2(void *stream) { return delete (Stream *)stream, 0; }
int cuStreamSynchronize(void *stream) { return ((Stream *)stream)->recorded ? UNSUPPORTED : 0; }

int cuMemcpyHtoDAsync_v2(u64 to, const void *from, size_t bytes, void *stream) {
    if (((Stream *)stream)->recorded) return UNSUPPORTED;
    return memcpy((void *)to, from, bytes), 0;
}

int cuMemcpyDtoHAsync_v2(void *to, u64 from, size_t bytes, void *stream) {
    if (((Stream *)stream)->recorded) return UNSUPPORTED;
    return memcpy(to, (const void *)from, bytes), 0;
}

int cuLaunchKernel(
    void *kernel, u32 x, u32 y, u32 z, u32 threads, u32 threads_y, u32 threads_z, u32, void *stream, void **arguments, void **
) {
    if (y != 1 || z != 1 || threads != THREADS || threads_y != 1 || threads_z != 1) return INVALID;
    const Launch launch = {
        (const char *)kernel, x, *(float **)arguments[0], *(const u64 **)arguments[1], *(u64 *)arguments[2], *(u64 *)arguments[3]
    };
    Graph *recorded = ((Stream *)stream)->recorded;
    return recorded ? recorded->push_back(launch), 0 : run(launch);
}

int cuStreamBeginCapture_v2(void *stream, int) { return ((Stream *)stream)->recorded = new Graph, 0; }

int cuStreamEndCapture(void *stream, void **graph) {
    *graph = ((Stream *)stream)->recorded;
    return ((Stream *)stream)->recorded = nullptr, 0;
}

int cuGraphInstantiateWithFlags(void **ready, void *graph, u64) { return *ready = new Graph(*(Graph *)graph), 0; }
int cuGraphDestroy(void *graph) { return delete (Graph *)graph, 0; }
int cuGraphExecDestroy(void *ready) { return delete (Graph *)ready, 0; }

int cuGraphLaunch(void *ready, void *) {
    if (const int error = (int)said("STAND_IN_LOST", 0)) return error;
    for (const Launch &launch : *(Graph *)ready)
        if (const int error = run(launch)) return error;
    return 0;
}
}
