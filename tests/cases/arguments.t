The command line: help, suggestions, and what is refused before anything is read.

  $ engraft --version

  $ engraft

  $ engraft --help | head -n 3

  $ engraft plan --help

  $ engraft pln x.yaml

  $ engraft frobnicate

  $ engraft plan x.yaml --jsn

  $ engraft plan --zzz

  $ engraft run x.yaml --threads=0

  $ engraft run x.yaml --threads

  $ engraft plan x.yaml --json=yes

  $ engraft plan

  $ engraft plan a.yaml b.yaml

  $ engraft plan -j x.yaml

Options may stand anywhere, and after -- everything is a name:

  $ engraft plan --json nowhere.yaml --set=a=b | head -n 2

  $ engraft plan -- --help
