// The fibers behind emulator.hpp, and all kernels' text.

#undef _FORTIFY_SOURCE
#include "kernels.cu"

// For the emulator's own tests. Each thread takes what its neighbour put down, one with a barrier, one without; and one has
// some threads wait for others that end.
KERNEL(patient) {
    __shared__ float lanes[THREADS];
    lanes[threadIdx.x] = (float)threadIdx.x;
    __syncthreads();
    floats[threadIdx.x] = lanes[(threadIdx.x + 1) % THREADS] + (float)(words[table] + words[jobs]);
}

KERNEL(hasty) {
    __shared__ float lanes[THREADS];
    lanes[threadIdx.x] = (float)threadIdx.x;
    floats[threadIdx.x] = lanes[(threadIdx.x + 1) % THREADS] + (float)(words[table] + words[jobs]);
}

KERNEL(uneven) {
    if (threadIdx.x > words[table]) __syncthreads();
    floats[threadIdx.x] = (float)words[jobs];
}

extern "C" char __start_shared_memory[], __stop_shared_memory[];

const Entry *Entry::first;
thread_local Index threadIdx, blockIdx;

namespace {

struct Call {
    Kernel kernel;
    float *floats;
    const u64 *words;
    u64 table, jobs;
};

struct Fiber {
    ucontext_t context;
    jmp_buf at;
    bool is_begun, is_done;
};

// Of one processor thread, whose stack the fibers come back to.
struct Block {
    Fiber fibers[THREADS];
    char *stacks;
    jmp_buf home;
    Fiber *now;
    Call call;
};

const size_t STACK = 64 << 10;
thread_local Block *block;

__attribute__((noinline)) void leave() {
    if (_setjmp(block->now->at) == 0) _longjmp(block->home, 1);
}

// A fiber outlives the block: for the next one it begins anew.
void live() {
    for (;;) {
        const Call &call = block->call;
        call.kernel(call.floats, call.words, call.table, call.jobs);
        block->now->is_done = true;
        leave();
    }
}

__attribute__((noinline)) void resume(Fiber *fiber) {
    block->now = fiber;
    threadIdx.x = (u32)(fiber - block->fibers);
    if (_setjmp(block->home) != 0) return;
    if (fiber->is_begun) _longjmp(fiber->at, 1);
    fiber->is_begun = true;
    setcontext(&fiber->context);
}

void begin() {
    block = (Block *)calloc(1, sizeof(Block));
    block->stacks = (char *)malloc(STACK * THREADS);
    for (u32 i = 0; i < THREADS; i++) {
        ucontext_t *context = &block->fibers[i].context;
        getcontext(context);
        context->uc_stack.ss_sp = block->stacks + i * STACK;
        context->uc_stack.ss_size = STACK;
        makecontext(context, live, 0);
    }
}

} // namespace

void __syncthreads() {
    leave();
}

// Runs a kernel block by block. Gives 0; 1 where there is no such kernel; 2 where some threads wait and others do not.
extern "C" int emulate(const char *name, u32 blocks, float *floats, const u64 *words, u64 table, u64 jobs) {
    const Entry *entry = Entry::first;
    while (entry && strcmp(entry->name, name) != 0) entry = entry->next;
    if (!entry) return 1;
    if (!block) begin();
    block->call = {entry->kernel, floats, words, table, jobs};
    for (u32 at = 0; at < blocks; at++) {
        blockIdx.x = at;
        memset(__start_shared_memory, 0xff, (size_t)(__stop_shared_memory - __start_shared_memory));
        for (Fiber &fiber : block->fibers) fiber.is_done = false;
        for (u32 done = 0, round = 0; done < THREADS; round++) {
            done = 0;
            for (u32 i = 0; i < THREADS; i++) {
                Fiber *fiber = &block->fibers[(round + at) % 2 ? THREADS - 1 - i : i];
                resume(fiber);
                done += fiber->is_done;
            }
            if (done > 0 && done < THREADS) {
                // What waits is thrown away, with this processor thread's fibers.
                free(block->stacks);
                free(block);
                block = nullptr;
                return 2;
            }
        }
    }
    return 0;
}
