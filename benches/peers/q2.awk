# Requests per target.
{ hits[$7]++ }
END {
    print "path,hits"
    for (path in hits) print path "," hits[path]
}
