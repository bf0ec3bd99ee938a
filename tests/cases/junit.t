A plan's checks as JUnit XML, for CI:

  $ cat > make.yaml <<END
  > recipe: 1
  > target: {arch: lenet}
  > output: {add_prefix: module.}
  > END
  $ engraft apply make.yaml -o dp.pth >/dev/null
  $ cat > good.yaml <<END
  > recipe: 1
  > source: dp.pth
  > target: {arch: lenet}
  > transfer:
  >   mapping:
  >     - strip_prefix: module.
  >     - {drop: ['x<&>"\d'], optional: true}
  >   expect: {loaded: 10, initialized: 0, min_loaded: 0.9}
  > END
  $ engraft plan good.yaml --junit good.xml | head -n 1
  target  lenet: 10 tensors: 10 loaded, 0 initialized, 0 defaulted
  $ cat good.xml
  <?xml version="1.0" encoding="UTF-8"?>
  <testsuites tests="7" failures="0" errors="0">
    <testsuite name="engraft plan good.yaml" tests="7" failures="0" errors="0" skipped="1">
      <testcase classname="plan.cover" name="every target tensor is accounted for"/>
      <testcase classname="plan.cover" name="every source tensor is accounted for"/>
      <testcase classname="plan.rules" name="rule 1: strip_prefix: module."/>
      <testcase classname="plan.rules" name="rule 2: drop: 'x&lt;&amp;&gt;&quot;\d'">
        <skipped type="unused" message="it may be without effect, and is"></skipped>
      </testcase>
      <testcase classname="plan.expect" name="loaded: 10"/>
      <testcase classname="plan.expect" name="initialized: 0"/>
      <testcase classname="plan.expect" name="min_loaded: 0.9"/>
    </testsuite>
  </testsuites>

The same plan, the same bytes:

  $ engraft plan good.yaml --junit again.xml >/dev/null
  $ cmp good.xml again.xml

A refused plan: what fails, with the line of the recipe and its mending.

  $ cat > bad.yaml <<END
  > recipe: 1
  > source: dp.pth
  > target: {arch: lenet}
  > transfer:
  >   mapping:
  >     - strip_prefix: module.
  >     - drop: ['fc3\.bias', 'fc4\..*']
  >   expect: {loaded: 10}
  > END
  $ engraft plan bad.yaml --junit bad.xml >/dev/null 2>&1
  [5]
  $ cat bad.xml
  <?xml version="1.0" encoding="UTF-8"?>
  <testsuites tests="7" failures="4" errors="0">
    <testsuite name="engraft plan bad.yaml" tests="7" failures="4" errors="0" skipped="0">
      <testcase classname="plan.cover" name="every target tensor is accounted for">
        <failure type="cover" message="10 target tensors: 9 loaded, 1 initialized, 0 defaulted">10 target tensors: 9 loaded, 1 initialized, 0 defaulted</failure>
      </testcase>
      <testcase classname="plan.cover" name="every source tensor is accounted for"/>
      <testcase classname="plan.rules" name="rule 1: strip_prefix: module."/>
      <testcase classname="plan.rules" name="rule 2: drop: ['fc3\.bias', 'fc4\..*']"/>
      <testcase classname="plan.expect" name="loaded: 10">
        <failure type="expect" message="9 would be loaded">9 would be loaded</failure>
      </testcase>
      <testcase classname="plan.problems" name="problem 1: unused_rule at bad.yaml:7:27">
        <failure type="unused_rule" message="rule 2: drop 'fc4\..*' matches no name at this point; the nearest is 'fc1'">bad.yaml:7:27: rule 2: drop 'fc4\..*' matches no name at this point; the nearest is 'fc1'&#10;&gt; mend or remove the rule, or add 'optional: true' to it</failure>
      </testcase>
      <testcase classname="plan.problems" name="problem 2: missing at bad.yaml:5:3">
        <failure type="missing" message="1 target tensor has no source: fc3.bias">bad.yaml:5:3: 1 target tensor has no source: fc3.bias&#10;&gt; transfer:&#10;  skip: ['fc3\..*']</failure>
      </testcase>
    </testsuite>
  </testsuites>

Every file is well-formed:

  $ python3 -c "
  > import xml.etree.ElementTree as e
  > for f in ['good.xml', 'bad.xml']:
  >     s = e.parse(f).getroot().find('testsuite'); c = s.findall('testcase')
  >     print(len(c) == int(s.get('tests')), len(s.findall('testcase/failure')) == int(s.get('failures')), c[2].get('name'))
  > "
  True True rule 1: strip_prefix: module.
  True True rule 1: strip_prefix: module.

Where there is no plan, that is the error:

  $ engraft plan good.yaml --set source.checkpoint=none.pth --junit none.xml
  engraft: none.pth: cannot open the file: No such file or directory
  [7]
  $ cat none.xml
  <?xml version="1.0" encoding="UTF-8"?>
  <testsuites tests="1" failures="0" errors="1">
    <testsuite name="engraft plan good.yaml" tests="1" failures="0" errors="1" skipped="0">
      <testcase classname="plan" name="a plan can be made">
        <error type="plan" message="cannot open the file: No such file or directory">cannot open the file: No such file or directory</error>
      </testcase>
    </testsuite>
  </testsuites>
  $ engraft plan good.yaml --junit no/such/folder.xml >/dev/null
  engraft: no/such/folder.xml: cannot create the file: No such file or directory
  [7]
