#!/bin/bash
# Java with an archive of the classes that the server, or the tool that starts it, loads in each start.
# With LAB_ARCHIVE they are written, when those end.
archives=/opt/lab/archives
archive=
words=()
for word; do
  if [[ $word = -Dcli.name=server ]]; then
    archive=$archives/launcher.jsa
  elif [[ $word = --patch-module=java.base=* && ( -n $LAB_ARCHIVE || -s $archives/server.jsa ) ]]; then
    # Where there is one, it is of the version whose bridge this Java has.
    archive=$archives/server.jsa
    continue
  fi
  words+=("$word")
done
if [[ -n $archive && -n $LAB_ARCHIVE ]]; then
  words=("-XX:ArchiveClassesAtExit=$archive" "${words[@]}")
elif [[ -s $archive ]]; then
  # What it says of what it cannot use as well.
  words=("-XX:SharedArchiveFile=$archive" -Xlog:cds=off "${words[@]}")
fi
exec /usr/share/elasticsearch/jdk/bin/real/java "${words[@]}"
