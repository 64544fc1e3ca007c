# frozen_string_literal: true

require 'date'
require 'json'
require 'time'

module TaskerCore
  # Contexts and results as JSON, and back. Symbols, times and structs have an obvious JSON form and get it; what has
  # none is refused by name rather than written as the text of its +inspect+.
  module Payload
    DEEPEST = 100

    # Something without a JSON form, found while walking down; +path+ is filled on the way up.
    class Unfit < StandardError
      attr_reader :path

      def initialize(message)
        super
        @path = []
      end
    end
    private_constant :Unfit

    class << self
      # +value+ as JSON text; +what+ names it in errors. Raises PayloadError.
      #
      #   TaskerCore::Payload.encode({ total: 40, at: Time.utc(2026) }, 'context')
      #   # => '{"total":40,"at":"2026-01-01T00:00:00Z"}'
      def encode(value, what)
        JSON.generate(plain(value, 1), max_nesting: 0)
      rescue Unfit => e
        place = e.path.empty? ? '' : " at #{e.path.join('.')}"
        raise PayloadError.new("the #{what} can't be written as JSON#{place}: #{e.message}", field: what)
      end

      # The value that +text+ holds: whole numbers of any size, texts frozen by nobody. Raises JSON::ParserError.
      def decode(text)
        JSON.parse(text, max_nesting: 0)
      end

      private

      def plain(value, depth)
        case value
        when nil, true, false, Integer then value
        when String then text(value)
        when Hash then object(value, depth)
        when Array then array(value, depth)
        when Float then number(value)
        when Symbol then text(value.name)
        else plain(formed(value), depth)
        end
      end

      def object(hash, depth)
        deeper(depth)
        hash.to_h do |key, value|
          [text(key.is_a?(String) ? key : key.to_s), plain(value, depth + 1)]
        rescue Unfit => e
          e.path.unshift(key)
          raise
        end
      end

      def array(values, depth)
        deeper(depth)
        values.each_with_index.map do |value, index|
          plain(value, depth + 1)
        rescue Unfit => e
          e.path.unshift(index)
          raise
        end
      end

      def deeper(depth)
        raise Unfit, "it is nested deeper than #{DEEPEST} levels, or contains itself" if depth > DEEPEST
      end

      def text(value)
        text = value.encoding == Encoding::UTF_8 ? value : value.encode(Encoding::UTF_8)
        raise Unfit, 'a text is not UTF-8; encode bytes, as with Base64' unless text.valid_encoding?
        raise Unfit, 'a text holds a NUL character' if text.include?("\0")

        text
      rescue EncodingError
        raise Unfit, "a text in #{value.encoding} has no form in UTF-8; encode bytes, as with Base64"
      end

      def number(value)
        raise Unfit, "#{value} is no number in JSON" unless value.finite?

        value
      end

      def formed(value)
        case value
        when Time, DateTime then value.iso8601(value.to_time.subsec.zero? ? 0 : 6)
        when Date then value.iso8601
        when Struct then value.to_h
        else own_form(value)
        end
      end

      def own_form(value)
        return value.to_h if value.respond_to?(:to_h) && !value.is_a?(Enumerable)

        raise Unfit, "a #{value.class} has no form in JSON; give a Hash, an Array, a String or a number"
      end
    end
  end
end
