# frozen_string_literal: true

require 'securerandom'

module TaskerCore
  # The ids that a client makes itself, so that whatever it asks may be asked again.
  module Uuid
    PATTERN = /\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/

    # A new UUID of version 7 (RFC 9562): it begins with the time, so databases keep neighbours together.
    def self.new
      milliseconds = Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)
      value = (milliseconds << 80) | SecureRandom.random_number(1 << 80)
      value = (value & ~(0xf << 76)) | (0x7 << 76)
      value = (value & ~(0x3 << 62)) | (0x2 << 62)
      format('%032x', value).sub(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '\1-\2-\3-\4-\5')
    end

    # +value+ as a UUID in its usual spelling. Raises InvalidRequestError, naming the +field+, for anything else.
    def self.read(value, field)
      return value.downcase if value.is_a?(String) && PATTERN.match?(value)

      raise InvalidRequestError.new("#{field} must be a UUID, not #{value.inspect}", field: field.to_s)
    end
  end
end
