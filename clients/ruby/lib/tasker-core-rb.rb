# frozen_string_literal: true

# What Bundler requires for `gem "tasker-core-rb"`.
require_relative 'tasker_core'
