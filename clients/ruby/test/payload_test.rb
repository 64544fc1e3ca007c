# frozen_string_literal: true

require_relative 'test_helper'
require 'bigdecimal'
require 'set'

class PayloadTest < Minitest::Test
  Line = Struct.new(:sku, :pieces)

  def encode(value)
    TaskerCore::Payload.encode(value, 'context')
  end

  def test_what_has_an_obvious_form
    value = { at: Time.utc(2026, 1, 2, 3, 4, 5), on: Date.new(2026, 1, 2), kind: :tea, lines: [Line.new('T', 1)],
              n: 2**70, 'é' => "\u{1F375}", nothing: nil, 1 => 0.5 }
    assert_equal '{"at":"2026-01-02T03:04:05Z","on":"2026-01-02","kind":"tea","lines":[{"sku":"T","pieces":1}],' \
                 '"n":1180591620717411303424,"é":"🍵","nothing":null,"1":0.5}', encode(value)
  end

  def test_whole_numbers_of_any_size_come_back
    numbers = [(2**53) + 1, -(2**70), 1.0]
    assert_equal({ 'n' => numbers }, TaskerCore::Payload.decode(encode({ n: numbers })))
  end

  def test_what_has_none_is_refused_with_its_place
    { Object.new => 'a.1.b: a Object has no form', BigDecimal('1.5') => 'a BigDecimal has no form',
      Float::NAN => 'NaN is no number', "\xFF" => 'not UTF-8', "\xFF".b => 'no form in UTF-8', "\0" => 'NUL',
      Set.new([1]) => 'a Set has no form' }.each do |culprit, said|
      error = assert_raises(TaskerCore::PayloadError) { encode({ a: [1, { b: culprit }] }) }
      assert_includes error.message, said
      assert_equal 'context', error.field
    end
  end

  def test_texts_in_other_encodings_become_unicode
    assert_equal '{"a":"é"}', encode({ a: 'é'.encode('ISO-8859-1') })
  end

  def test_depth_has_an_end
    own = {}
    own[:own] = own
    assert_includes assert_raises(TaskerCore::PayloadError) { encode(own) }.message, '100 levels'
    assert_equal 99, encode({ a: 98.times.reduce(1) { |inner, _| [inner] } }).count('[{')
  end
end
