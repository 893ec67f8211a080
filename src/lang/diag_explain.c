/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What each kind of diagnostic means, at more length than a message has. */
#include "lang/diag.h"

static const char *const texts[] = {
    [DIAG_UnexpectedCharacter] = "Programs are written in ASCII: names, numbers, operators and "
                                 "brackets. Other characters may "
                                 "stand in comments only. There are no strings and no characters "
                                 "as values; text is an array "
                                 "of u8.\n",
    [DIAG_InvalidUnsignedNum] =
        "A number is a row of decimal digits, which may be followed directly by a suffix that "
        "gives "
        "its type: u8, u16, u32, u64, usize, i8, i16, i32 or i64. It must fit that type. There are "
        "no "
        "other bases, no separators and no fractions. Names do not begin with a digit.\n\n"
        "    256u8      does not fit: u8 holds 0 to 255\n"
        "    -1u8       u8 is never negative\n"
        "    0xff       write 255\n"
        "    1_000      write 1000\n",
    [DIAG_InvalidSignedNum] =
        "A negative number must fit the signed type of its suffix, and without a suffix i64: at "
        "least -9223372036854775808.\n\n"
        "    -129i8     does not fit: i8 holds -128 to 127\n",
    [DIAG_UnterminatedComment] = "A comment that begins with /* ends with */. Comments nest: each "
                                 "/* within it needs a */ of "
                                 "its own.\n",
    [DIAG_SourceTooLarge] =
        "Programs are limited in length and in the memory that compiling them may take, so that no "
        "program stops the machine that looks at it. Whoever calls the compiler sets the limits.\n",
    [DIAG_InvalidTopLevelDef] = "A program is a list of definitions: const, struct, enum and fn, "
                                "where fn may be pub. There "
                                "are no imports, modules, traits, methods and global variables.\n",
    [DIAG_InvalidArraySize] =
        "The size of an array is a number without suffix or with usize, or the name of a const. In "
        "types it may also be computed from consts in braces.\n\n"
        "    [u8; 4]\n    [u8; N]\n    [u8; const { N + M - 1usize }]\n",
    [DIAG_InvalidRangeExpr] =
        "A range has a number on both sides. As a value it is written 0..10, which ends before 10. "
        "In patterns it may also end with its end, 0..=9, and both ends have the same suffix or "
        "none. Names of consts cannot stand in ranges: run over an array, or index with a variable "
        "that counts.\n",
    [DIAG_InvalidPattern] =
        "A pattern is a name, a number, a range of numbers, true, false, a tuple of patterns, a "
        "struct with patterns for its fields, or a variant of an enum with patterns for its "
        "fields.\n\n"
        "    (0, rest)\n    Point { x: 0, .. }\n    Move::Step(1..=3, _)\n",
    [DIAG_InvalidLiteral] = "A minus sign in a const must be followed by a number.\n",
    [DIAG_InvalidConstExpr] =
        "The value of a const is made of numbers with their suffix, true and false, consts above "
        "it, "
        "constants from outside (PARTY_0::ROWS), +, -, max(...) and min(...). Nothing else is "
        "computed before the program runs.\n",
    [DIAG_InvalidRangeTypes] = "The two numbers of a range belong to one type. A suffix on one of "
                               "them is enough.\n",
    [DIAG_ExpectedStmt] = "A statement begins with let, for, if, match, a block, a value or a "
                          "variable that is assigned.\n",
    [DIAG_ExpectedExpr] =
        "Here a value must stand: a number, a name, a call, an operator with its operands, an "
        "array, "
        "a tuple, an if or a match. A block is a value too, but among operators it needs "
        "parentheses. There are no empty statements and no empty array literals ([0u8; 0] is an "
        "array without elements).\n",
    [DIAG_ExpectedIdentifier] = "Here a name must stand. Names are letters, digits and _, and do "
                                "not begin with a digit. The "
                                "keywords are const struct enum fn let if else match mut as pub "
                                "for in. `let mut` takes one "
                                "name, not a pattern.\n",
    [DIAG_ExpectedMethodCallOrFieldAccess] =
        "After a dot stands the name of a field of a struct, or the number of a part of a tuple, "
        "from 0 and without suffix.\n",
    [DIAG_Expected] =
        "The program does not go on as the grammar says; the message names what must stand there. "
        "Statements end in a semicolon, but for the last one of a block and those that end in a "
        "block. There are no while, loop, return, break, methods, generics and references.\n",
    [DIAG_NestedTooDeeply] =
        "Expressions, blocks, types and patterns may be nested a thousand levels deep, and three "
        "thousand operators may follow each other, as in a + b + c. Use variables for parts, or a "
        "loop.\n",
    [DIAG_NoTopLevelFn] = "Only functions can be called, and a variable of the same name hides a "
                          "function. Rename the variable.\n",
    [DIAG_PubFnWithoutParams] =
        "The parameters of a pub function are what the parties put in. A function without "
        "parameters "
        "would compute what everybody knows. Make it private, or a const.\n",
    [DIAG_UnusedFn] = "No pub function calls this one, not even through others, so nothing it says "
                      "has any effect. "
                      "A function that is meant to be run must be pub, main too.\n",
    [DIAG_RecursiveFnDef] =
        "All calls become part of one circuit, so no function may call itself, directly or through "
        "others. Use a loop over a range of fixed length.\n",
    [DIAG_RecursiveType] =
        "A value has a fixed number of bits, so a type cannot contain itself. Use "
        "an array of fixed size, and indices into it.\n",
    [DIAG_DuplicateDefinition] =
        "Two definitions of one kind have the same name. Structs and enums "
        "share their names.\n",
    [DIAG_DuplicateField] = "A field can be declared, given or matched once only.\n",
    [DIAG_DuplicateVariant] = "Two variants of an enum have the same name.\n",
    [DIAG_DuplicateBinding] = "A pattern binds a name twice, so the first value could never be "
                              "used. Parts that do not matter are called _.\n",
    [DIAG_UnknownStructOrEnum] = "No type has this name. The types are bool, u8, u16, u32, u64, "
                                 "usize, i8, i16, i32, i64, and the structs and enums of the "
                                 "program.\n",
    [DIAG_UnknownStruct] = "No struct has this name.\n",
    [DIAG_UnknownStructField] = "The struct has no field of this name.\n",
    [DIAG_MissingStructField] =
        "A struct literal gives all fields. A pattern names all fields, or ends in `..`.\n",
    [DIAG_UnknownEnum] = "No enum has this name.\n",
    [DIAG_UnknownEnumVariant] = "The enum has no variant of this name.\n",
    [DIAG_UnknownIdentifier] =
        "Nothing of this name can be seen here. Variables are known from their let to the end of "
        "their block. A const may name only consts above it. join_iter is known only in `for row "
        "in "
        "join_iter(a, b)`, max and min only in consts.\n",
    [DIAG_IdentifierNotDeclaredAsMutable] =
        "Only variables that are declared with `let mut`, and parameters declared with `mut`, can "
        "be "
        "assigned. The assignment changes the copy that the function has, never the argument.\n",
    [DIAG_TupleAccessOutOfBounds] = "The parts of a tuple are numbered from 0.\n",
    [DIAG_DuplicateFnParam] = "Two parameters of a function have the same name.\n",
    [DIAG_ExpectedBoolOrNumberType] = "The operators !, &, |, ^ work on bool and on integers, and "
                                      "so does `as`. Consts are bool or "
                                      "integers.\n",
    [DIAG_ExpectedNumberType] =
        "Arithmetic and the comparisons < > <= >= work on integers. bool, "
        "tuples, arrays, structs and enums can be compared with == and !=.\n",
    [DIAG_ExpectedSignedNumberType] =
        "Only values of i8, i16, i32 and i64 can be negative. Convert with `as` before negating.\n",
    [DIAG_ExpectedArrayType] = "Only arrays can be indexed, looped over and joined.\n",
    [DIAG_ExpectedTupleType] =
        "A number after a dot, and a pattern in parentheses, are for tuples. Rows of tables that "
        "are "
        "joined are tuples that begin with the key; join also takes two tables without tuples. "
        "`1.5` reads as field 5 of 1: there are only whole numbers.\n",
    [DIAG_ExpectedStructType] = "A name after a dot is a field of a struct.\n",
    [DIAG_ExpectedUnitVariantFoundTupleVariant] =
        "The variant was declared without fields, so it is written without parentheses.\n",
    [DIAG_ExpectedTupleVariantFoundUnitVariant] =
        "The variant was declared with fields, which must be given in parentheses.\n",
    [DIAG_UnexpectedEnumVariantArity] =
        "A variant, or a tuple in a pattern, has another number of fields than it was declared "
        "with. Fields that do not matter are called _.\n",
    [DIAG_UnexpectedType] =
        "The value has another type than what stands around it asks for. Nothing is converted by "
        "itself: write `as`. A number without suffix takes the type that is expected, must fit it, "
        "and is i32 if nothing is expected; numbers in consts need their suffix. Arrays have the "
        "same type only if their sizes are written alike: as the same number, the same const or "
        "the "
        "same expression.\n",
    [DIAG_WrongNumberOfArgs] = "A call gives one value for each parameter of the function.\n",
    [DIAG_TypeMismatch] = "Both sides of an operator, both branches of an if, and the keys of two "
                          "tables must have one "
                          "type. Convert one of them with `as`. An if without else has no value.\n",
    [DIAG_InvalidRange] =
        "A range must have at least one element and at most 4294967295, and all of "
        "them must fit its type. The end is not part of it.\n",
    [DIAG_PatternsAreNotExhaustive] =
        "A match must say what happens for every value of its type. The message shows one that no "
        "arm takes. `_ =>` takes all that is left.\n",
    [DIAG_PatternsTooComplex] =
        "Whether a match takes every value is a hard question in general, and the work spent on it "
        "is limited. Arms with a last `_ =>` are always complete. Matching first one part of the "
        "value and then another makes the question easier.\n",
    [DIAG_RefutablePattern] =
        "The pattern of a let or a for has no other arm to fall back on, so it must match every "
        "value. Use match for patterns that may fail.\n",
    [DIAG_EmptyPattern] = "No number lies in this range: `5..5` ends before 5.\n",
    [DIAG_PatternOutOfRange] = "The pattern names numbers that the type of the value does not "
                               "have.\n",
    [DIAG_TypeDoesNotSupportPatternMatching] =
        "Arrays can be matched by a name only. Match their elements one by one.\n",
    [DIAG_ArraySizeNotConst] = "The number of elements is part of the type, so it must be known "
                               "before the program runs: a number or a const.\n",
    [DIAG_ConstOutOfRange] =
        "Consts are computed exactly, and the result must fit the type. The value may depend on "
        "constants from outside.\n",
    [DIAG_TypeTooLarge] =
        "A value of this type would have too many bits or elements to compute with, or the type "
        "itself is too large to write out. Sizes of arrays have 32 bits. Whoever calls the "
        "compiler "
        "sets the limits.\n",
    [DIAG_FnNotFound] = "The function that is to be run must be one of the program and have a "
                        "parameter. It is main if nothing else is said.\n",
    [DIAG_MissingConstant] = "The program uses a constant from outside, PARTY::NAME, which was not "
                             "given. Each party gives its own with --const.\n",
    [DIAG_InvalidLiteralType] = "The constant from outside does not fit the type that the program "
                                "gives it: another suffix, "
                                "a bool for a number, or a number out of range.\n",
    [DIAG_UnreachableArm] = "The arms above take every value that this one matches, so it has no "
                            "effect. The first arm that matches is taken.\n",
    [DIAG_UnusedVariable] =
        "The value is computed and never used. Names that begin with _ say that "
        "this is intended.\n",
    [DIAG_UnusedConst] = "Nothing uses the const. Names that begin with _ say that this is "
                         "intended.\n",
    [DIAG_UnusedGivenConstant] =
        "A constant was given that the program does not name. Perhaps its name is misspelt.\n",
};

const char *lang_diag_explain(const char *name)
{
    for (int kind = 0; kind < DIAG_N_KINDS; kind++) {
        if (strcmp(lang_diag_name((lang_diag_kind)kind), name) == 0) {
            return texts[kind];
        }
    }
    return NULL;
}
