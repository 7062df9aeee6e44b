# Minute and status: requests, bytes, mean and longest time.
{
    group = substr($4, 2, 17) " " $9
    hits[group]++
    bytes[group] += $10
    seconds[group] += $NF
    if ($NF > slowest[group]) slowest[group] = $NF
}
END {
    print "t,status,hits,bytes,mean,slowest"
    for (group in hits) {
        split(group, key, " ")
        printf "%s,%s,%d,%.0f,%.17g,%s\n", key[1], key[2], hits[group], bytes[group], seconds[group] / hits[group], slowest[group] + 0
    }
}
