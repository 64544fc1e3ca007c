# frozen_string_literal: true

require_relative 'lib/tasker_core/version'

Gem::Specification.new do |spec|
  spec.name = 'tasker-core-rb'
  spec.version = TaskerCore::VERSION
  spec.summary = 'Tasker for Ruby: create tasks on a Tasker server, and run their steps'
  spec.description = 'A client of the REST API and a worker of the worker protocol, with handlers as classes or ' \
                     'blocks. Nothing but the standard library.'
  spec.authors = ['The Tasker for Python authors']
  spec.license = 'MIT'
  spec.required_ruby_version = '>= 3.1'
  spec.files = Dir['lib/**/*.rb', 'sig/**/*.rbs', 'bin/*', 'README.md']
  spec.bindir = 'bin'
  spec.executables = ['tasker-worker']
  spec.metadata['rubygems_mfa_required'] = 'true'
end
