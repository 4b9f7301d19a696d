/*
 * samestate.h: say in C and C++ what a checkpoint saves, where the state is defined.
 *
 *     #include <samestate.h>
 *
 *     struct __cr_root machine {
 *         uint64_t     cycles __cr;
 *         struct cpu   cpu    __cr;
 *         size_t       used   __cr;
 *         uint8_t     *ram    __cr_len(used);
 *         void        *board  __cr_as(struct board);
 *         struct list  timers __cr_list(struct timer, link);
 *         struct cache decode __cr_skip("filled again on first use");
 *     };
 *
 * `samestate coverage PROGRAM` reads the tags from the debug information, follows every pointer from
 * the roots, and reports each field without a tag. The tags change no layout and cost no code.
 * docs/TAGS.md says what each of them means.
 *
 * They need `-g`, and for C a compiler that keeps them: clang 14 or gcc 16. Others compile the file as if
 * the tags were not there, and samestate says that it cannot see them. C++ has no such tags; there
 * each tag declares a static member function that nobody defines, which every compiler keeps in the
 * debug information. So in C++ a tag stands after an initializer, at most one stands on a line, and a
 * root is marked inside its braces: `struct machine { __cr_root; ... };`. The standard library of C++
 * has a name of its own that is `__cr`, so there the tag is `__cr_saved`, which C knows as well.
 */
#ifndef SAMESTATE_H
#define SAMESTATE_H

#if defined(__cplusplus)

#define SAMESTATE_GLUE2_(a, b) a##b
#define SAMESTATE_GLUE_(a, b) SAMESTATE_GLUE2_(a, b)
#define SAMESTATE_MARK_(what) static void SAMESTATE_GLUE_(samestate_##what##_, __LINE__)()
#define SAMESTATE_LEAD_(what, type) static type *SAMESTATE_GLUE_(samestate_##what##_, __LINE__)()

#define __cr_root SAMESTATE_MARK_(root)
#define __cr_saved ; SAMESTATE_MARK_(saved)
#define __cr_skip(reason) \
    ; static_assert(sizeof(reason "") > 1, "say why it is not saved"); SAMESTATE_MARK_(skip)
#define __cr_list(type, member) ; SAMESTATE_LEAD_(list_##member, type)
#define __cr_len(field) ; SAMESTATE_MARK_(len_##field)
#define __cr_as(type) ; SAMESTATE_LEAD_(as, type)
#define SAMESTATE_TAGS_ samestate_tags_kept

#else

#if defined(__has_attribute)
#if __has_attribute(btf_decl_tag)
#define SAMESTATE_TAG_(text) __attribute__((btf_decl_tag("samestate:" text)))
#endif
#endif

#if defined(SAMESTATE_TAG_)
#define SAMESTATE_TAGS_ samestate_tags_kept
#else
#define SAMESTATE_TAG_(text)
#define SAMESTATE_TAGS_ samestate_tags_lost
#endif

#define __cr_root SAMESTATE_TAG_("root")
#define __cr SAMESTATE_TAG_("saved")
#define __cr_saved __cr
#define __cr_skip(reason) SAMESTATE_TAG_("skip:" reason)
#define __cr_list(type, member) SAMESTATE_TAG_("list:" #type ":" #member)
#define __cr_len(field) SAMESTATE_TAG_("len:" #field)
#define __cr_as(type) SAMESTATE_TAG_("as:" #type)

#endif

/* One byte in each object that was compiled with tags in its source: its name in the debug
 * information and in the symbol table proves that they were wanted, and tells whether they were kept. */
#if defined(__GNUC__)
__attribute__((used))
#endif
static const unsigned char SAMESTATE_TAGS_ = 1;

#endif
