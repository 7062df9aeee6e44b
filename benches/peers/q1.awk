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
        mean = seconds[group] / hits[group]
        # A group whose requests all took 0.000 has no slowest one yet.
        printf "%s,%s,%d,%.0f,%.17g,%s\n", key[1], key[2], hits[group], bytes[group], mean, slowest[group] + 0
    }
}
