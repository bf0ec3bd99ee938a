The command line: help, suggestions, and what is refused before anything is read.

  $ engraft --version
  engraft 0.1.0

  $ engraft
  usage: engraft COMMAND ...
  
    run       plan, apply, train, evaluate, write
    plan      show what every tensor becomes, before a byte of it is read
    apply     transfer without training: plan, apply, write the model
    train     train a model that `engraft apply` wrote: the recipe without its transfer
    explain   the life of one tensor, from the source on and back from the target
    init      write a recipe to start from
    eval      evaluate a recipe's model on its validation set, or on a folder
    predict   classify images with a model that engraft wrote
    schema    JSON Schema of the recipe, for editors
    inspect   what a checkpoint holds; nothing in it is executed
    diff      compare two checkpoints: names, shapes, values
    convert   write a checkpoint in another format
    arch      list the architectures, or show one
  
  `engraft COMMAND --help` lists a command's options; `engraft --version` says which this is.
  Exit codes: 0 ok, 1 usage, 2 malformed file, 3 unsafe file, 4 recipe error, 5 plan refused,
  6 verification mismatch, 7 input/output, 8 training diverged.
  [1]

  $ engraft --help | head -n 3
  usage: engraft COMMAND ...
  
    run       plan, apply, train, evaluate, write

  $ engraft plan --help
  usage: engraft plan RECIPE [OPTION]...
  show what every tensor becomes, before a byte of it is read
  
    --set KEY=VALUE     change the recipe: train.epochs=1 (as often as needed)
    --keys              the model's, the pretrained and the transferred keys
    --json              one JSON document on standard output
    --help              this text

  $ engraft pln x.yaml
  engraft: there is no command 'pln'; did you mean 'plan'?
  [1]

  $ engraft frobnicate
  engraft: there is no command 'frobnicate'; `engraft --help` lists them
  [1]

  $ engraft plan x.yaml --jsn
  engraft: `engraft plan` has no option '--jsn'; did you mean '--json'?
  [1]

  $ engraft plan --zzz
  engraft: `engraft plan` has no option '--zzz'; `engraft COMMAND --help` lists them
  [1]

  $ engraft run x.yaml --threads=0
  engraft: --threads is '0'; expected a number from 1 to 1024
  [1]

  $ engraft run x.yaml --threads
  engraft: --threads needs a value: --threads N
  [1]

  $ engraft plan x.yaml --json=yes
  engraft: --json takes no value
  [1]

  $ engraft plan
  engraft: usage: engraft plan RECIPE [OPTION]...
  [1]

  $ engraft plan a.yaml b.yaml
  engraft: usage: engraft plan RECIPE [OPTION]...
  [1]

  $ engraft plan -j x.yaml
  engraft: there is no option '-j'; options are written --name
  [1]

Options may stand anywhere, and after -- everything is a name:

  $ engraft plan --json nowhere.yaml --set=a=b 2>/dev/null | head -n 2
  {
    "ok": false,

  $ engraft plan -- --help
  engraft: --help: cannot open the file: No such file or directory
  [7]
