//! What kinds of types there are.

use gimli::DwTag;

/// What kind of type an entry describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Shape {
    Struct,
    Union,
    Variants,
    Enumeration,
    Array,
    Pointer,
    Alias,
    Primitive,
    Function,
    Declaration,
}

/// What an entry with this tag describes, if it is a type.
pub(super) fn shape_of(tag: DwTag) -> Option<Shape> {
    Some(match tag {
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_interface_type => {
            Shape::Struct
        }
        gimli::DW_TAG_union_type => Shape::Union,
        gimli::DW_TAG_enumeration_type => Shape::Enumeration,
        gimli::DW_TAG_array_type => Shape::Array,
        gimli::DW_TAG_pointer_type
        | gimli::DW_TAG_reference_type
        | gimli::DW_TAG_rvalue_reference_type
        | gimli::DW_TAG_ptr_to_member_type => Shape::Pointer,
        gimli::DW_TAG_typedef
        | gimli::DW_TAG_const_type
        | gimli::DW_TAG_volatile_type
        | gimli::DW_TAG_restrict_type
        | gimli::DW_TAG_atomic_type => Shape::Alias,
        gimli::DW_TAG_base_type | gimli::DW_TAG_unspecified_type => Shape::Primitive,
        gimli::DW_TAG_subroutine_type => Shape::Function,
        _ => return None,
    })
}
