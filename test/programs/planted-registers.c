/*
 * Loads a known value into every general register that can hold one, then writes through a register that holds 0xdead0:
 * SIGSEGV. Prints "register NAME VALUE", "vector NAME VALUE" (hexadecimal, no 0x) for each before it does. On arm it
 * does so in the instruction set that it was compiled for, A32 or T32 (cpsr's T bit says which), and prints "thumb 0"
 * or "thumb 1" first. arm64 and arm: floating-point registers too, d0-d31 and scr, v0-v31, fpsr and fpcr.
 * Frames: plant_and_fault (assembly, with unwind tables of its own), tell_and_plant, main.
 */
#include "program.h"

/*
 * One list gives both the assembly and the lines: X(register, digits). A value repeats its register's position, so that
 * it is easily told from an address; the first register of each list holds the address that is written to.
 */
#define NUMBERS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

#if defined(__x86_64__)

#define PLANTED(X) X(rax, dead0) X(rbx, 5ec0010101010101) X(rcx, 5ec0020202020202) X(rdx, 5ec0030303030303) \
  X(rsi, 5ec0040404040404) X(rdi, 5ec0050505050505) X(rbp, 5ec0060606060606) X(r8, 5ec0070707070707)        \
  X(r9, 5ec0080808080808) X(r10, 5ec0090909090909) X(r11, 5ec0101010101010) X(r12, 5ec0111111111111)        \
  X(r13, 5ec0121212121212) X(r14, 5ec0131313131313) X(r15, 5ec0141414141414)
#define LOAD(name, digits) "movabs $0x" #digits ", %" #name "\n"
#define SAVE(name, depth) "push %" #name "\n.cfi_def_cfa_offset " #depth "\n.cfi_offset %" #name ", -" #depth "\n"
#define PROLOGUE SAVE(rbp, 16) SAVE(rbx, 24) SAVE(r12, 32) SAVE(r13, 40) SAVE(r14, 48) SAVE(r15, 56)
#define FAULT "movl $1, (%rax)\nud2\n"

#elif defined(__i386__)

#define PLANTED(X) X(eax, dead0) X(ebx, 5ec00101) X(ecx, 5ec00202) X(edx, 5ec00303) X(esi, 5ec00404) \
  X(edi, 5ec00505) X(ebp, 5ec00606)
#define LOAD(name, digits) "movl $0x" #digits ", %" #name "\n"
#define SAVE(name, depth) "push %" #name "\n.cfi_def_cfa_offset " #depth "\n.cfi_offset %" #name ", -" #depth "\n"
#define PROLOGUE SAVE(ebp, 8) SAVE(ebx, 12) SAVE(esi, 16) SAVE(edi, 20)
#define FAULT "movl $1, (%eax)\nud2\n"

#elif defined(__aarch64__)

#define PLANTED(X) X(x0, dead0) X(x1, 5ec0010101010101) X(x2, 5ec0020202020202) X(x3, 5ec0030303030303) \
  X(x4, 5ec0040404040404) X(x5, 5ec0050505050505) X(x6, 5ec0060606060606) X(x7, 5ec0070707070707)       \
  X(x8, 5ec0080808080808) X(x9, 5ec0090909090909) X(x10, 5ec0101010101010) X(x11, 5ec0111111111111)     \
  X(x12, 5ec0121212121212) X(x13, 5ec0131313131313) X(x14, 5ec0141414141414) X(x15, 5ec0151515151515)   \
  X(x16, 5ec0161616161616) X(x17, 5ec0171717171717) X(x18, 5ec0181818181818) X(x19, 5ec0191919191919)   \
  X(x20, 5ec0202020202020) X(x21, 5ec0212121212121) X(x22, 5ec0222222222222) X(x23, 5ec0232323232323)   \
  X(x24, 5ec0242424242424) X(x25, 5ec0252525252525) X(x26, 5ec0262626262626) X(x27, 5ec0272727272727)   \
  X(x28, 5ec0282828282828) X(x29, 5ec0292929292929) X(x30, 5ec0303030303030)
#define LOAD(name, digits) "ldr " #name ", =0x" #digits "\n"
#define SAVE(first, second, at, cfa_first, cfa_second)                                                          \
  "stp " #first ", " #second ", [sp, #" #at "]\n.cfi_offset " #first ", -" #cfa_first "\n.cfi_offset " #second \
  ", -" #cfa_second "\n"
#define PROLOGUE                                                                                       \
  "sub sp, sp, #96\n.cfi_def_cfa_offset 96\n"                                                         \
  SAVE(x29, x30, 0, 96, 88) SAVE(x19, x20, 16, 80, 72) SAVE(x21, x22, 32, 64, 56)                      \
  SAVE(x23, x24, 48, 48, 40) SAVE(x25, x26, 64, 32, 24) SAVE(x27, x28, 80, 16, 8)
#define FAULT "str w1, [x0]\nudf #0\n.ltorg\n"
/*
 * Value of vN: the halves below, each with N added. Rounding towards zero with flush to zero; a cumulative saturation
 * and an inexact.
 */
#define VECTORS 32
#define VECTOR_HIGH 0x5ec1112233445500
#define VECTOR_LOW 0x5ec2667788990000
#define CONTROL 0x1c00000
#define STATUS 0x8000010
#define PLANT_VECTORS                                                                                  \
  ".irp n, " NUMBERS "\nldr x0, =0x5ec2667788990000 + \\n\nfmov d\\n, x0\nldr x0, =0x5ec1112233445500 + \\n\n" \
  "mov v\\n\\().d[1], x0\n.endr\n"                                                               \
  "ldr x0, =0x1c00000\nmsr fpcr, x0\nldr x0, =0x8000010\nmsr fpsr, x0\n"

#elif defined(__arm__)

/* r7 or r11 may be a frame pointer: both are saved and planted all the same. */
#define PLANTED(X) X(r0, dead0) X(r1, 5ec00101) X(r2, 5ec00202) X(r3, 5ec00303) X(r4, 5ec00404) X(r5, 5ec00505)      \
  X(r6, 5ec00606) X(r7, 5ec00707) X(r8, 5ec00808) X(r9, 5ec00909) X(r10, 5ec01010) X(r11, 5ec01111) X(r12, 5ec01212) \
  X(r14, 5ec01414)
#define LOAD(name, digits) "ldr " #name ", =0x" #digits "\n"
#define PROLOGUE                                                        \
  "push {r3-r11, lr}\n.save {r3-r11, lr}\n"                             \
  ".cfi_def_cfa_offset 40\n.cfi_offset r3, -40\n.cfi_offset r4, -36\n"  \
  ".cfi_offset r5, -32\n.cfi_offset r6, -28\n.cfi_offset r7, -24\n"     \
  ".cfi_offset r8, -20\n.cfi_offset r9, -16\n.cfi_offset r10, -12\n"    \
  ".cfi_offset r11, -8\n.cfi_offset lr, -4\n"
#define FAULT "str r1, [r0]\nudf #0\n.ltorg\n"
/* Value of dN: the halves below, each with N added. Rounding towards zero with flush to zero, and an inexact. */
#define VECTORS 32
#define VECTOR_HIGH 0x5ec11100
#define VECTOR_LOW 0x5ec22200
#define STATUS 0x1c00010
#define PLANT_VECTORS                                                                             \
  ".fpu neon\n.irp n, " NUMBERS "\nldr r0, =0x5ec22200 + \\n\nldr r1, =0x5ec11100 + \\n\nvmov d\\n, r0, r1\n.endr\n" \
  "ldr r0, =0x1c00010\nvmsr fpscr, r0\n"

#endif

#if defined(__arm__)
#define BEGIN ".syntax unified\n" MODE "plant_and_fault:\n.fnstart\n"
#define END ".fnend\n"
#if defined(__thumb__)
#define MODE ".thumb\n.thumb_func\n"
#else
#define MODE ".arm\n"
#endif
#else
#define BEGIN "plant_and_fault:\n"
#define END
#endif

#ifndef PLANT_VECTORS
#define PLANT_VECTORS ""
#endif

void plant_and_fault(void);

__asm__(".text\n.balign 4\n.globl plant_and_fault\n.type plant_and_fault, %function\n" BEGIN
        ".cfi_startproc\n" PROLOGUE PLANT_VECTORS PLANTED(LOAD) FAULT
        ".cfi_endproc\n" END ".size plant_and_fault, . - plant_and_fault\n");

FRAME void tell_and_plant(void) {
#if defined(__thumb__)
  say("thumb 1");
#elif defined(__arm__)
  say("thumb 0");
#endif
#define TELL(name, digits) say("register %s %s", #name, #digits);
  PLANTED(TELL)
#if defined(VECTORS)
  for (int n = 0; n < VECTORS; n++) {
#if defined(__aarch64__)
    say("vector v%d %016lx%016lx", n, VECTOR_HIGH + (long)n, VECTOR_LOW + (long)n);
#else
    say("vector d%d %08x%08x", n, VECTOR_HIGH + (unsigned)n, VECTOR_LOW + (unsigned)n);
#endif
  }
#if defined(__aarch64__)
  say("vector fpsr %x", STATUS);
  say("vector fpcr %x", CONTROL);
#else
  say("vector scr %x", STATUS);
#endif
#endif
  plant_and_fault();
  KEEP_FRAME();
}

int main(void) {
  tell_and_plant();
  return 3;
}
