#!/usr/bin/env node
// What `layby` starts. It builds nothing and installs nothing: it says what is missing. Written so that every Node since 12
// can read it, whether it takes the file for a module or not: an old one prints which it has to be, and not a stack.
var NEEDED = [20, 19]
var EXIT_CONFIGURATION = 78

function end(line) {
  process.stderr.write('layby: ' + line + '\n')
  process.exit(EXIT_CONFIGURATION)
}

function isOldNode() {
  var parts = process.versions.node.split('.').map(Number)
  return parts[0] < NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] < NEEDED[1])
}

/** What can't be found: a file of the build, or a package that it needs. */
function missing(error) {
  var text = String(error && error.message)
  if (!error || error.code !== 'ERR_MODULE_NOT_FOUND') return null
  if (/[\\/]dist[\\/]src[\\/]main\.js'? imported from/.test(text)) {
    return 'not built yet: run "npm ci && npm run build" in the folder of Layby first'
  }
  if (/Cannot find package/.test(text)) {
    return 'its packages are not installed: run "npm ci" in the folder of Layby first'
  }
  return null
}

if (isOldNode()) {
  end('needs Node >= ' + NEEDED.join('.') + ', this is ' + process.versions.node)
} else if (process.argv[2] !== '--check-node') {
  // With that argument nothing else is done: `npm start` asks before it builds.
  import('../dist/src/main.js').catch(function (error) {
    var line = missing(error)
    if (line !== null) end(line)
    process.stderr.write('layby: ' + (error && error.stack ? error.stack : error) + '\n')
    process.exit(1)
  })
}
