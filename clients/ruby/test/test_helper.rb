# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path('../lib', __dir__))
ENV.delete_if { |name, _| name.start_with?('TASKER_') }

require 'minitest/autorun'
require 'tasker_core'
require_relative 'support/scripted_server'

# Waits until the block is true, and fails where it never is.
module Patience
  def wait_until(what, seconds: 5)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    until (value = yield)
      flunk("never came to pass: #{what}") if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep(0.005)
    end
    value
  end
end
