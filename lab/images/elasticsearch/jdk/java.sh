#!/bin/bash
# Runs Java with a class data archive for the server, or for the tool that starts it.
# With LAB_ARCHIVE set, Java writes the archive when it exits.
archives=/opt/lab/archives
archive=
words=()
for word; do
  if [[ $word = -Dcli.name=server ]]; then
    archive=$archives/launcher.jsa
  elif [[ $word = --patch-module=java.base=* && ( -n $LAB_ARCHIVE || -s $archives/server.jsa ) ]]; then
    # The archive exists only for the version whose bridge this Java contains.
    archive=$archives/server.jsa
    continue
  fi
  words+=("$word")
done
if [[ -n $archive && -n $LAB_ARCHIVE ]]; then
  words=("-XX:ArchiveClassesAtExit=$archive" "${words[@]}")
elif [[ -s $archive ]]; then
  # Without warnings about parts of the archive that it cannot use.
  words=("-XX:SharedArchiveFile=$archive" -Xlog:cds=off "${words[@]}")
fi
exec /usr/share/elasticsearch/jdk/bin/real/java "${words[@]}"
