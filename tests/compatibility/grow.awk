# Adds one field at the end of each option struct of a header, and writes the structs' names to the file NAMES.
/^typedef struct/ { sized = 0 }
/^    size_t struct_size;/ { sized = 1 }
/^} [a-z_]+;/ && sized {
    print "    size_t grown;"
    name = $2
    sub(/;/, "", name)
    print name >>NAMES
    sized = 0
}
{ print }
