# frozen_string_literal: true

require 'logger'
require 'pathname'

# An application of yours has `gem "tasker-core-rb"` in its Gemfile instead; this one runs on the gem beside it.
$LOAD_PATH.unshift(File.expand_path('../../../clients/ruby/lib', __dir__))
